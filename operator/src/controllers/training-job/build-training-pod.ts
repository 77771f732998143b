/** The pod of one rank: our container brings the dataset, the user's trains, our sidecar takes the output to the Store. */
import type { DatasetVersion, Store, TrainingJob } from '@slipway/crds';
import type { DeepReadonly, Job } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { batchContainer, quantities, TMP_MOUNT, TMP_VOLUME } from '../../jobs/build-batch-job.ts';
import { RESTRICTED_CONTAINER, RUNTIME_UID } from '../../jobs/pod-security.ts';
import type { Container } from '../../jobs/pod-security.ts';
import { pathInStore, storeMounts } from '../../jobs/store-mount.ts';
import type { VolumeMount } from '../../jobs/store-mount.ts';
import { ownedLabels } from '../../labels.ts';
import { roleLabels } from './attempt.ts';
import { attemptJobName, serviceName } from './names.ts';
import { parameterVariables } from './parameters.ts';

export const FETCH = 'fetch';
export const COLLECT = 'collect';
export const TRAINER = 'trainer';

export const RENDEZVOUS_PORT = 29500;
/** How long the sidecar may take to bring the output home after the training ended. */
const COLLECT_SECONDS = 120;

export interface TrainingInputs {
  readonly datasetVersion: DeepReadonly<DatasetVersion>;
  readonly datasetStore: DeepReadonly<Store>;
  /** The Store of the Model: runs and models are in it. */
  readonly modelStore: DeepReadonly<Store>;
}

export interface TrainingPodInput {
  readonly trainingJob: DeepReadonly<TrainingJob>;
  readonly attempt: number;
  readonly inputs: TrainingInputs;
  readonly config: WorkloadConfig;
}

type PodTemplate = NonNullable<Job['spec']>['template'];

/** `runs/<uid>/<attempt>` inside the Store of the Model. */
export function runPath({ metadata }: DeepReadonly<TrainingJob>, attempt: number): string {
  return `runs/${metadata.uid}/${attempt}`;
}

export function buildTrainingPod(input: TrainingPodInput): PodTemplate {
  const { trainingJob, attempt, inputs } = input;
  const { metadata, spec } = trainingJob;
  const stores = storeMounts([
    { store: inputs.datasetStore, access: 'read' },
    { store: inputs.modelStore, access: 'write' },
  ]);
  const mountOf = (store: DeepReadonly<Store>) =>
    stores.mounts.filter((mount) => mount.mountPath === `/stores/${store.metadata.name}`);
  return {
    metadata: {
      labels: { ...ownedLabels({ kind: 'TrainingJob', name: metadata.name }), ...roleLabels('trainer', attempt) },
    },
    spec: {
      restartPolicy: 'Never',
      subdomain: serviceName(metadata.name),
      enableServiceLinks: false,
      // Without a name the training gets no token; who names an account wants its rights.
      ...(spec.serviceAccountName === undefined
        ? { automountServiceAccountToken: false }
        : { serviceAccountName: spec.serviceAccountName }),
      ...(spec.imagePullSecrets === undefined
        ? {}
        : { imagePullSecrets: structuredClone(spec.imagePullSecrets) as { name: string }[] }),
      // No user id: the namespace's Pod Security level decides what the user's image may be. The group lets our containers
      // write to the Store.
      securityContext: {
        fsGroup: RUNTIME_UID,
        fsGroupChangePolicy: 'OnRootMismatch',
        seccompProfile: { type: 'RuntimeDefault' },
      },
      terminationGracePeriodSeconds: COLLECT_SECONDS,
      initContainers: [
        fetchContainer(input, mountOf(inputs.datasetStore)),
        collectContainer(input, mountOf(inputs.modelStore)),
      ],
      containers: [trainerContainer(input)],
      volumes: [
        { name: 'dataset', emptyDir: {} },
        { name: 'output', emptyDir: {} },
        { name: 'logs', emptyDir: {} },
        TMP_VOLUME,
        ...codeVolume(trainingJob),
        ...stores.volumes,
      ],
    },
  };
}

function codeVolume({ spec: { code } }: DeepReadonly<TrainingJob>) {
  return code === undefined ? [] : [{ name: 'code', configMap: { name: code.configMap.name } }];
}

/** Train and validation only: the rows of the test never come near a training. */
function fetchContainer({ inputs, config }: TrainingPodInput, mounts: readonly VolumeMount[]): Container {
  const { datasetStore, datasetVersion } = inputs;
  const at = (part: string) => pathInStore(datasetStore, `${datasetVersion.spec.artifact.path}/${part}`);
  const request = {
    items: [
      { from: at('train'), to: '/slipway/dataset/train' },
      { from: at('validation'), to: '/slipway/dataset/validation' },
      { from: at('schema.json'), to: '/slipway/dataset' },
    ],
  };
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } };
  return {
    ...batchContainer({ command: 'fetch', request, config, resources }, FETCH),
    securityContext: OUR_SECURITY,
    volumeMounts: [
      ...mounts.map((mount) => ({ ...mount, readOnly: true })),
      { name: 'dataset', mountPath: '/slipway/dataset' },
      TMP_MOUNT,
    ],
  };
}

/** Made by the sidecar. */
const READY_FILE = '/tmp/collect-hears';

/**
 * A native sidecar: it is told to stop when the training has ended, and the pod waits for it. The training starts only once it
 * would hear that: otherwise a training that fails within a second would leave it waiting for its whole grace period.
 */
function collectContainer(
  { trainingJob, attempt, inputs, config }: TrainingPodInput,
  mounts: readonly VolumeMount[],
): Container {
  const request = {
    outputDir: '/slipway/output',
    logDir: '/slipway/logs',
    runDir: pathInStore(inputs.modelStore, runPath(trainingJob, attempt)),
    readyFile: READY_FILE,
  };
  const resources = { requests: { cpu: '10m', memory: '64Mi' }, limits: { memory: '512Mi' } };
  return {
    ...batchContainer({ command: 'collect', request, config, resources }, COLLECT),
    restartPolicy: 'Always',
    startupProbe: {
      exec: { command: ['node', '-e', `require('node:fs').accessSync('${READY_FILE}')`] },
      periodSeconds: 1,
      timeoutSeconds: 5,
      failureThreshold: 120,
    },
    securityContext: OUR_SECURITY,
    volumeMounts: [
      ...mounts,
      { name: 'output', mountPath: '/slipway/output' },
      { name: 'logs', mountPath: '/slipway/logs' },
      TMP_MOUNT,
    ],
  };
}

const OUR_SECURITY = { ...RESTRICTED_CONTAINER, runAsUser: RUNTIME_UID, runAsGroup: RUNTIME_UID };

function trainerContainer({ trainingJob, attempt }: TrainingPodInput): Container {
  const { metadata, spec } = trainingJob;
  return {
    name: TRAINER,
    image: spec.image,
    command: [...spec.command],
    ...(spec.args === undefined ? {} : { args: [...spec.args] }),
    env: [
      ...(spec.env ?? []).map(({ name, value }) => ({ name, value })),
      { name: 'SLIPWAY_DATASET_DIR', value: '/slipway/dataset' },
      { name: 'SLIPWAY_OUTPUT_DIR', value: '/slipway/output' },
      { name: 'SLIPWAY_LOG_DIR', value: '/slipway/logs' },
      ...parameterVariables(spec.parameters),
      ...frameworkVariables(spec, `${attemptJobName(metadata.name, attempt)}-0.${serviceName(metadata.name)}`),
    ],
    resources: quantities(spec.resources ?? {}),
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    // The last lines of the log become the reason that people read.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...(spec.code === undefined ? {} : { workingDir: '/slipway/code' }),
    volumeMounts: [
      { name: 'dataset', mountPath: '/slipway/dataset', readOnly: true },
      { name: 'output', mountPath: '/slipway/output' },
      { name: 'logs', mountPath: '/slipway/logs' },
      TMP_MOUNT,
      ...(spec.code === undefined ? [] : [{ name: 'code', mountPath: '/slipway/code', readOnly: true }]),
    ],
  };
}

/** Set for one node too: an image must not have to ask whether it trains alone. */
function frameworkVariables({ framework, nodes }: DeepReadonly<TrainingJob>['spec'], tracker: string) {
  if (framework === 'Plain') return [];
  const index = { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" } };
  return [
    { name: 'DMLC_TRACKER_URI', value: tracker },
    { name: 'DMLC_TRACKER_PORT', value: String(RENDEZVOUS_PORT) },
    { name: 'DMLC_TASK_ID', valueFrom: index },
    { name: 'DMLC_NUM_WORKER', value: String(nodes) },
  ];
}
