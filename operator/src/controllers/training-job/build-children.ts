/** What a TrainingJob owns: the Service of its pods, an Indexed Job an attempt, and the Job that publishes. */
import type { Store, TrainingJob } from '@slipway/crds';
import type { DeepReadonly, Job, Service } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { buildBatchJob } from '../../jobs/build-batch-job.ts';
import { pathInStore } from '../../jobs/store-mount.ts';
import { ownedLabels, ROLE_LABEL } from '../../labels.ts';
import { ATTEMPT_ANNOTATION, roleLabels } from './attempt.ts';
import type { AttemptRecord } from './attempt.ts';
import { buildTrainingPod, RENDEZVOUS_PORT, runPath } from './build-training-pod.ts';
import type { TrainingPodInput } from './build-training-pod.ts';
import { secondsOf } from '../../go-duration.ts';
import { attemptJobName, publishJobName, serviceName } from './names.ts';

type Owner = DeepReadonly<TrainingJob>;

/** On the Service: the highest number that an attempt had, for the day on which somebody deletes the Jobs by hand. */
export const LAST_ATTEMPT_ANNOTATION = 'slipway.dev/last-attempt';

/** Names every pod, ready or not, because they have to meet before any of them is ready. */
export function buildService({ metadata: { name, namespace = '' } }: Owner, lastAttempt: number): Service {
  const labels = ownedLabels({ kind: 'TrainingJob', name });
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: serviceName(name),
      namespace,
      labels,
      annotations: { [LAST_ATTEMPT_ANNOTATION]: String(lastAttempt) },
    },
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: { 'slipway.dev/trainingjob': name, [ROLE_LABEL]: 'trainer' },
      ports: [{ name: 'rendezvous', port: RENDEZVOUS_PORT, targetPort: RENDEZVOUS_PORT, protocol: 'TCP' }],
    },
  };
}

/** Any rank's failure ends the attempt: Kubernetes starts none of its pods again. */
export function buildAttemptJob(input: TrainingPodInput, record: AttemptRecord): Job {
  const { metadata, spec } = input.trainingJob;
  const { name, namespace = '' } = metadata;
  const limit = spec.limits?.runningTime;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: attemptJobName(name, record.number),
      namespace,
      labels: { ...ownedLabels({ kind: 'TrainingJob', name }), ...roleLabels('trainer', record.number) },
      annotations: { [ATTEMPT_ANNOTATION]: JSON.stringify(record) },
    },
    spec: {
      completionMode: 'Indexed',
      completions: spec.nodes,
      parallelism: spec.nodes,
      backoffLimit: 0,
      // Kept in the Job's own condition: a pod that a drained node took may be gone before anybody looks at it.
      podFailurePolicy: {
        rules: [{ action: 'FailJob', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] }],
      },
      ...(limit === undefined ? {} : { activeDeadlineSeconds: Math.max(1, Math.ceil(secondsOf(limit))) }),
      template: buildTrainingPod(input),
    },
  };
}

export interface PublishJobInput {
  readonly trainingJob: Owner;
  readonly attempt: number;
  readonly modelStore: DeepReadonly<Store>;
  readonly config: WorkloadConfig;
}

export function buildPublishJob({ trainingJob, attempt, modelStore, config }: PublishJobInput): Job {
  const { name, namespace = '' } = trainingJob.metadata;
  return buildBatchJob({
    owner: { kind: 'TrainingJob', name, namespace },
    name: publishJobName(name, attempt),
    labels: roleLabels('publish', attempt),
    command: 'publish-model',
    request: {
      runDir: pathInStore(modelStore, `${runPath(trainingJob, attempt)}/0`),
      modelsDir: pathInStore(modelStore, 'models'),
      format: trainingJob.spec.output.format,
    },
    stores: [{ store: modelStore, access: 'write' }],
    config,
  });
}
