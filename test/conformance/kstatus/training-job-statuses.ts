import type { KubeObject } from '@slipway/kube';
import { buildAttemptJob } from '../../../operator/src/controllers/training-job/build-children.ts';
import { identityOf } from '../../../operator/src/controllers/training-job/identity.ts';
import type { CurrentAttempt, ObservedTrainingJob } from '../../../operator/src/controllers/training-job/observe.ts';
import { trainingJobStatus } from '../../../operator/src/controllers/training-job/status.ts';
import { aDatasetVersion, aModel, aTrainingJob } from '../../../operator/src/testing/data-fixtures.ts';
import { aModelVersion, aStore, DIGEST, NOW, WORKLOADS } from '../../../operator/src/testing/fixtures.ts';
import { withStatus } from './states.ts';
import type { States } from './states.ts';

const trainingJob = aTrainingJob();
const ready = { datasetVersion: aDatasetVersion(), datasetStore: aStore(), modelStore: aStore() };
const noJob = { job: undefined, pods: [], outcome: { state: 'absent' as const } };

function aTrainingJobThat(more: Partial<ObservedTrainingJob>): KubeObject {
  const observed = {
    trainingJob,
    identity: identityOf(trainingJob.spec, undefined),
    current: undefined,
    lastAttempt: 0,
    produced: undefined,
    model: aModel(),
    modelStore: { store: aStore() },
    inputs: { ready },
    modelVersions: [],
    jobs: [],
    ...more,
  };
  return withStatus(observed.trainingJob, trainingJobStatus(observed, { now: NOW }));
}

function attempt(outcome: CurrentAttempt['outcome'], more: Partial<CurrentAttempt> = {}): Partial<ObservedTrainingJob> {
  const { spec, template } = identityOf(trainingJob.spec, undefined);
  const { name: datasetVersion } = ready.datasetVersion.metadata;
  const record = { number: 1, spec, code: 'none', template, run: DIGEST, datasetVersion, restarts: 0 };
  const job = buildAttemptJob({ trainingJob, attempt: 1, inputs: ready, config: WORKLOADS }, record);
  const current = { record, job, pods: [], outcome, publish: noJob, version: undefined, deletedVersion: undefined };
  return { current: { ...current, ...more }, lastAttempt: 1 };
}

const trained = { state: 'succeeded', result: { ok: true, files: 3, bytes: 42 } } as const;
const broke = { state: 'failed', reason: 'TrainerFailed', message: 'It broke.', retryable: false } as const;
const noImage = { state: 'pending', reason: 'ImagePullFailed', message: 'No such image.' } as const;
const missing = { reason: 'DatasetNotFound', message: 'There is no Dataset "flights".' };

/** One that runs is in effect: whoever installs it with others does not wait for hours. `Succeeded` and `Failed` say the rest. */
export function trainingJobs(): States {
  return {
    'the first attempt starts': ['InProgress', aTrainingJobThat({})],
    'what it learns from is missing': [
      'InProgress',
      aTrainingJobThat({ inputs: { problem: missing, invalid: false } }),
    ],
    'what it learns from cannot be right': [
      'Failed',
      aTrainingJobThat({ inputs: { problem: missing, invalid: true } }),
    ],
    'its image cannot be pulled': ['InProgress', aTrainingJobThat(attempt(noImage))],
    'it learns': ['Current', aTrainingJobThat(attempt({ state: 'running' }))],
    'it is suspended': ['Current', aTrainingJobThat({ trainingJob: aTrainingJob({ suspend: true }) })],
    'the training failed': ['Failed', aTrainingJobThat(attempt(broke))],
    'the model cannot be published': [
      'Failed',
      aTrainingJobThat(attempt(trained, { publish: { ...noJob, outcome: broke } })),
    ],
    'it made a version': ['Current', aTrainingJobThat(attempt(trained, { version: aModelVersion() }))],
  };
}
