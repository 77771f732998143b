/** Objects as the API server returns them, valid by default, for unit tests. */
import type { InferenceService, ModelVersion, ServingRuntime, Store } from '@slipway/crds';
import { groupVersion } from '@slipway/crds';
import type { Job, PersistentVolumeClaim, Pod } from '@slipway/kube';
import type { GatewayService, WorkloadConfig } from '../deps.ts';
import type { Gateways } from '../gateways/gateways.ts';

export const NAMESPACE = 'team';
export const DIGEST = `sha256:${'a'.repeat(64)}`;
export const NOW = new Date('2026-11-23T10:00:00Z');

export const WORKLOADS: WorkloadConfig = {
  servingRuntimeImage: 'slipway/serving-runtime:1',
  batchRuntimeImage: 'slipway/batch-runtime:1',
  imagePullPolicy: 'IfNotPresent',
  drainSeconds: 10,
  keepsSamples: false,
  podPaths: [],
};

export const GATEWAY: GatewayService = {
  namespace: 'slipway-system',
  service: 'slipway-gateway',
  adminPort: 8002,
  tokenFile: undefined,
};
/** None of them has said anything. */
export const SILENT_GATEWAYS: Gateways = {
  sequenceAt: () => undefined,
  incarnationAt: () => undefined,
  isDown: () => false,
  subscribe: () => undefined,
};

function meta(name: string, more: object = {}) {
  return { name, namespace: NAMESPACE, uid: `uid-of-${name}`, generation: 1, ...more };
}

export function aStore(more: { name?: string; uri?: string; access?: Store['spec']['access'] } = {}): Store {
  const { name = 'default', uri = 'pvc://models/team', access = 'ReadWrite' } = more;
  return { apiVersion: groupVersion, kind: 'Store', metadata: meta(name), spec: { uri, access } };
}

export function aClaim(more: Partial<PersistentVolumeClaim> = {}): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: meta('models'),
    status: { phase: 'Bound', capacity: { storage: '1Gi' } },
    ...more,
  };
}

export function aModelVersion(
  name = 'delay-1',
  metadata: object = {},
  more: Partial<ModelVersion['spec']> = {},
): ModelVersion {
  const artifact = { store: { name: 'default' }, path: `models/${name}`, digest: DIGEST, format: 'Onnx' as const };
  return {
    apiVersion: groupVersion,
    kind: 'ModelVersion',
    metadata: meta(name, metadata),
    spec: { number: 1, artifact, ...more },
  };
}

export function anInferenceService(spec: Partial<InferenceService['spec']> = {}): InferenceService {
  return {
    apiVersion: groupVersion,
    kind: 'InferenceService',
    metadata: meta('flights'),
    spec: { modelVersion: { name: 'delay-1' }, settings: { instances: 1 }, scaling: { replicas: 1 }, ...spec },
  };
}

export function aServingRuntime(name = 'mlserver', spec: Partial<ServingRuntime['spec']> = {}): ServingRuntime {
  return {
    apiVersion: groupVersion,
    kind: 'ServingRuntime',
    metadata: meta(name),
    spec: {
      image: 'others/mlserver:1',
      formats: [{ name: 'LightGBM' }],
      ports: { http: 8080, grpc: 8081 },
      model: { mountPath: '/models', layout: 'Repository' },
      probes: { ready: '/v2/health/ready', live: '/v2/health/live', startup: '10m' },
      ...spec,
    },
  };
}

export function aJob(more: Partial<Job> = {}): Job {
  return { apiVersion: 'batch/v1', kind: 'Job', metadata: meta('verify'), ...more };
}

export interface PodMore {
  readonly name?: string;
  readonly controller?: { readonly kind: string; readonly uid: string };
  readonly metadata?: object;
  readonly spec?: object;
  readonly status?: NonNullable<Pod['status']>;
}

/** A pod of the Job that `aJob` makes. */
export function aPod(more: PodMore = {}): Pod {
  const { name = 'verify-x', controller = { kind: 'Job', uid: 'uid-of-verify' } } = more;
  const owner = { apiVersion: 'v1', name: 'owner', controller: true, ...controller };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...meta(name), creationTimestamp: '2026-11-23T09:00:00Z', ownerReferences: [owner], ...more.metadata },
    spec: { containers: [{ name: 'batch', image: 'img:1' }], ...more.spec },
    ...(more.status === undefined ? {} : { status: more.status }),
  };
}

type Status = NonNullable<NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number]>;

export function containerStatus(name: string, state: Status['state'], more: Partial<Status> = {}): Status {
  return {
    name,
    image: 'img:1',
    imageID: '',
    ready: false,
    restartCount: 0,
    ...(state === undefined ? {} : { state }),
    ...more,
  };
}
