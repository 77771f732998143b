import { batchContainer, quantities, TMP_MOUNT, TMP_VOLUME } from '../../jobs/build-batch-job.ts';
import { RESTRICTED_CONTAINER, RESTRICTED_POD, RUNTIME_UID } from '../../jobs/pod-security.ts';
import type { Container } from '../../jobs/pod-security.ts';
import { INSTANCE, MANAGED_BY, MODEL_VERSION_LABEL, REVISION_LABEL, SERVICE_LABEL } from '../../labels.ts';
import { stepContainers, stepPullSecrets, stepSettings, stepVolumes } from './build-steps.ts';
import { GATEWAYS_ARG, GATEWAYS_VOLUME_MOUNT, gatewaysVolume } from './build-known-gateways.ts';
import { foreignServer } from './build-foreign-server.ts';
import { mergedEnvironment, modelFolder, SERVER } from './pod-input.ts';
import type { RevisionInput } from './pod-input.ts';
import { withOverlay } from './pod-overlay.ts';
import type { PodTemplate } from './revision.ts';

export const HTTP_PORT = 8080;
export const GRPC_PORT = 9000;
const METRICS_PORT = 8002;

/** The container that brings the model. */
const FETCH = 'fetch';

/** Where the container that brings the model puts it. */
export const MODELS = '/models';

const OUR_USER = { runAsUser: RUNTIME_UID, runAsGroup: RUNTIME_UID };

/** No user id: the namespace's Pod Security level decides what the image of others may be. The group lets ours read the Store. */
const FOREIGN_POD = {
  fsGroup: RUNTIME_UID,
  fsGroupChangePolicy: 'OnRootMismatch',
  seccompProfile: { type: 'RuntimeDefault' },
};

export function revisionLabels({
  service,
  revision,
  facts,
}: Pick<RevisionInput, 'service' | 'revision' | 'facts'>): Record<string, string> {
  return {
    [MANAGED_BY]: 'slipway',
    [INSTANCE]: service,
    [SERVICE_LABEL]: service,
    [REVISION_LABEL]: revision,
    [MODEL_VERSION_LABEL]: facts.modelVersion,
  };
}

/** A pod that copies the model out of the Store, verifies it, and serves it. Only the copying container sees the Store. */
export function buildPodTemplate(input: RevisionInput): PodTemplate {
  const { pod } = input.facts;
  const template = basicTemplate(input);
  return pod === undefined ? template : withOverlay(template, pod);
}

function basicTemplate(input: RevisionInput): PodTemplate {
  const { facts, service, revision, runtime } = input;
  const named = [...(runtime?.imagePullSecrets ?? []), ...(facts.imagePullSecrets ?? [])].map(({ name }) => name);
  const pullSecrets = [...new Set([...named, ...stepPullSecrets(input)])];
  return {
    metadata: { labels: revisionLabels(input) },
    spec: {
      // Without a name the server gets no token; who names an account wants its rights.
      ...(facts.serviceAccountName === undefined
        ? { automountServiceAccountToken: false }
        : { serviceAccountName: facts.serviceAccountName }),
      enableServiceLinks: false,
      ...(pullSecrets.length === 0 ? {} : { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
      securityContext: runtime === undefined ? RESTRICTED_POD : FOREIGN_POD,
      terminationGracePeriodSeconds: 45,
      topologySpreadConstraints: [
        {
          maxSkew: 1,
          topologyKey: 'kubernetes.io/hostname',
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { [SERVICE_LABEL]: service, [REVISION_LABEL]: revision } },
        },
      ],
      initContainers: [fetchContainer(input), ...stepContainers(input, MODELS)],
      containers: [runtime === undefined ? ownServer(input) : foreignServer({ ...input, runtime })],
      volumes: [
        { name: 'models', emptyDir: {} },
        TMP_VOLUME,
        ...stepVolumes(input),
        ...(facts.callers === undefined || runtime !== undefined ? [] : [gatewaysVolume(service)]),
        { name: 'store', persistentVolumeClaim: { claimName: facts.artifact.claim } },
      ],
    },
  };
}

function fetchContainer(input: RevisionInput): Container {
  const { facts, config, runtime } = input;
  const { store, root, path, digest } = facts.artifact;
  const from = ['', 'stores', store, ...[root, path].flatMap((part) => part.split('/'))]
    .filter((part, index) => index === 0 || part !== '')
    .join('/');
  const request = { items: [{ from, to: `${MODELS}/${modelFolder(input)}`, digest }] };
  const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { memory: '512Mi' } };
  return {
    ...batchContainer({ command: 'fetch', request, config, resources }, FETCH),
    ...(runtime === undefined ? {} : { securityContext: { ...RESTRICTED_CONTAINER, ...OUR_USER } }),
    volumeMounts: [
      { name: 'store', mountPath: `/stores/${store}`, readOnly: true },
      { name: 'models', mountPath: MODELS },
      TMP_MOUNT,
    ],
  };
}

function ownServer({ revision, facts, config }: RevisionInput): Container {
  const settings = { ...facts.settings, ...stepSettings({ facts }) };
  const asks = facts.callers !== undefined;
  return {
    name: SERVER,
    image: config.servingRuntimeImage,
    imagePullPolicy: config.imagePullPolicy,
    args: [
      `--model-repository=${MODELS}`,
      `--http-port=${HTTP_PORT}`,
      `--grpc-port=${GRPC_PORT}`,
      `--metrics-port=${METRICS_PORT}`,
      `--revision=${revision}`,
      `--settings=${JSON.stringify(settings)}`,
      ...(asks ? [GATEWAYS_ARG] : []),
    ],
    ...(facts.env === undefined ? {} : { env: mergedEnvironment([], facts.env) }),
    ports: [
      { name: 'http', containerPort: HTTP_PORT, protocol: 'TCP' },
      { name: 'grpc', containerPort: GRPC_PORT, protocol: 'TCP' },
      { name: 'metrics', containerPort: METRICS_PORT, protocol: 'TCP' },
    ],
    resources: quantities(facts.resources ?? { requests: { cpu: '100m', memory: '256Mi' } }),
    securityContext: RESTRICTED_CONTAINER,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'models', mountPath: MODELS, readOnly: true },
      TMP_MOUNT,
      ...(asks ? [GATEWAYS_VOLUME_MOUNT] : []),
    ],
    // Ready means that every model is loaded and warmed; a large model may take its time, so nothing but the end of the
    // process ends a start.
    startupProbe: { ...probe('live'), periodSeconds: 1, failureThreshold: 120 },
    readinessProbe: { ...probe('ready'), periodSeconds: 1, failureThreshold: 3 },
    livenessProbe: { ...probe('live'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 3 },
  };
}

function probe(what: 'live' | 'ready') {
  return { httpGet: { path: `/v2/health/${what}`, port: HTTP_PORT, scheme: 'HTTP' }, timeoutSeconds: 2 };
}
