import type {
  Approval,
  ClusterServingRuntime,
  Dataset,
  DatasetVersion,
  FeatureSet,
  InferenceService,
  Model,
  ModelAlias,
  ModelRollout,
  ModelVersion,
  ServingRuntime,
  Store,
  TrafficRoute,
  TrainingJob,
} from '@slipway/crds';
import type {
  Cache,
  Clock,
  ConfigMap,
  ControllerRevision,
  CoreEvent,
  Deployment,
  Discovery,
  EndpointSlice,
  EventRecorder,
  Job,
  KubeClient,
  PersistentVolumeClaim,
  Pod,
  Service,
} from '@slipway/kube';
import type { ScalingMemory } from './autoscaling/scaling-memory.ts';
import type { CodeFiles } from './code-files.ts';
import type { Gateways } from './gateways/gateways.ts';
import type { TokenIssuerSource } from './gateways/token-issuer.ts';
import type {
  GatewayRoute,
  GatewayRouteKind,
  PodDisruptionBudget,
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicyBinding,
} from './kinds.ts';
import type { PodPath } from './pod-paths.ts';

/** What every controller gets. Made once in `main.ts`. */
export interface OperatorDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly config: WorkloadConfig;
  readonly caches: Caches;
  readonly discovery: Discovery;
  readonly gateways: Gateways;
  readonly scaling: ScalingMemory;
  /** Absent where pods take requests from whoever reaches them, also those of services with `access`. */
  readonly tokenIssuer?: TokenIssuerSource | undefined;
}

/** What the operator has to know of the install, to make workloads and to say what becomes of them. */
export interface WorkloadConfig {
  readonly servingRuntimeImage: string;
  readonly batchRuntimeImage: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  /** Seconds between the moment a new revision gets the traffic and the end of the old one's pods. */
  readonly drainSeconds: number;
  /** The gateways have a folder for samples of requests. */
  readonly keepsSamples: boolean;
  /** What services may set in `spec.pod`. */
  readonly podPaths: readonly PodPath[];
  /** Who may ask a service without `access`. Default: whoever reaches the gateways. */
  readonly defaultAccess?: 'Anyone' | 'OwnNamespace';
}

/** The Service that selects the gateways, whose service account has the same name. */
export interface GatewayService {
  readonly namespace: string;
  readonly service: string;
  /** Port of their pods where `/stream` is. */
  readonly adminPort: number;
  /** Holds a token of the operator's service account for the gateways, which Kubernetes renews there; undefined: none is sent. */
  readonly tokenFile: string | undefined;
}

/**
 * One reflector each. Pods, Jobs, Deployments, Services and ControllerRevisions hold only what carries
 * `app.kubernetes.io/managed-by=slipway`. Index names are in `caches.ts`; values are `namespace/name` (`indexKey`), but a
 * uid where the index is called `controller`, `producer` or `subject`.
 */
export interface Caches {
  /** Index `claim`. */
  readonly stores: Cache<Store>;
  /** Index `store` (source and output). */
  readonly featureSets: Cache<FeatureSet>;
  /** Indexes `store` (rows and output), `featureSet`. */
  readonly datasets: Cache<Dataset>;
  /** Indexes `dataset`, `producer`. */
  readonly datasetVersions: Cache<DatasetVersion>;
  /** Indexes `dataset`, `model`, `configMap`. */
  readonly trainingJobs: Cache<TrainingJob>;
  /** Indexes `store`, `dataset` (of its evaluation). */
  readonly models: Cache<Model>;
  /** Indexes `store`, `model`, `producer`. */
  readonly modelVersions: Cache<ModelVersion>;
  /** Indexes `model`, `modelVersion`. */
  readonly modelAliases: Cache<ModelAlias>;
  /** Index `modelVersion`. */
  readonly approvals: Cache<Approval>;
  readonly servingRuntimes: Cache<ServingRuntime>;
  /** Undefined where the operator looks into some namespaces only: then it has no right to read what is of the cluster. */
  readonly clusterServingRuntimes: Cache<ClusterServingRuntime> | undefined;
  /** Indexes `modelVersion`, `alias` (the name of the ModelAlias). */
  readonly inferenceServices: Cache<InferenceService>;
  /** Index `inferenceService`. */
  readonly modelRollouts: Cache<ModelRollout>;
  /** Indexes `controller`, `uid`. */
  readonly trafficRoutes: Cache<TrafficRoute>;
  /** Index `controller`. */
  readonly jobs: Cache<Job>;
  /** Indexes `controller`, `revision` (namespace and value of the label slipway.dev/revision). */
  readonly pods: Cache<Pod>;
  /** Index `controller`. */
  readonly services: Cache<Service>;
  /** Indexes `controller`, `modelVersion` (of the label slipway.dev/modelversion). */
  readonly deployments: Cache<Deployment>;
  /** Index `controller`. */
  readonly disruptionBudgets: Cache<PodDisruptionBudget>;
  /** Indexes `controller`, `modelVersion` (of a revision of a service). */
  readonly controllerRevisions: Cache<ControllerRevision>;
  /** Indexes `controller`, `service`. */
  readonly endpointSlices: Cache<EndpointSlice>;
  /** Those of the gateways' Service. */
  readonly gatewaySlices: Cache<EndpointSlice>;
  readonly claims: Cache<PersistentVolumeClaim>;
  /** ConfigMaps, of which only the digest is kept. */
  readonly codeFiles: Cache<CodeFiles>;
  /** Events with reason FailedCreate about Jobs: a quota, or an admission that refuses the pod. Index `subject`. */
  readonly jobCreateFailures: Cache<CoreEvent>;
  /** Events with reason FailedMount about pods. Index `subject`. */
  readonly mountFailures: Cache<CoreEvent>;
  /** What makes the API server look at who signs; undefined where the install has no such policy. */
  readonly signing: SigningCaches | undefined;
  /** Index `controller`. Undefined where the operator was not told to use the Gateway API; empty where the cluster lacks the kind. */
  readonly gatewayRoutes: Readonly<Record<GatewayRouteKind, Cache<GatewayRoute>>> | undefined;
  /** ConfigMaps by which pods know the gateways, index `controller`. Undefined where no pods ask. */
  readonly knownGateways: Cache<ConfigMap> | undefined;
}

/** One policy and its binding, which have the same name. */
export interface SigningCaches {
  readonly name: string;
  readonly policies: Cache<ValidatingAdmissionPolicy>;
  readonly bindings: Cache<ValidatingAdmissionPolicyBinding>;
}

/** The field manager of a controller: who owns a field of a child, and of our status. */
export function fieldManagerOf(controller: string): string {
  return `slipway.dev/${controller}`;
}
