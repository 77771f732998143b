/** The kinds of `slipway.dev`, and those of Kubernetes that the runtime does not know, as the client and the caches know them. */
import { GROUP, VERSION } from '@slipway/crds';
import type {
  Approval,
  ClusterServingRuntime,
  Condition,
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
import { defineKind } from '@slipway/kube';
import type { KubeKind, KubeObject } from '@slipway/kube';

export interface PodDisruptionBudget extends KubeObject {
  spec?: {
    maxUnavailable?: number | string;
    selector?: { matchLabels?: Record<string, string> };
  };
  status?: { disruptionsAllowed?: number };
}

/** Which Gateway a route is for. */
export interface ParentReference {
  group?: string;
  kind?: string;
  namespace?: string;
  name: string;
  sectionName?: string;
}

export interface WeightedBackend {
  name: string;
  port: number;
  weight: number;
}

export interface HTTPRouteMatch {
  path?: { type: 'PathPrefix'; value: string };
  headers?: { type: 'Exact'; name: string; value: string }[];
}

/** An HTTPRoute or a GRPCRoute of the Gateway API, as far as we write and read them. */
export interface GatewayRoute extends KubeObject {
  spec: {
    parentRefs: ParentReference[];
    hostnames: string[];
    /** Without matches it takes everything. */
    rules: { matches?: HTTPRouteMatch[]; backendRefs: WeightedBackend[] }[];
  };
  /** An entry for each controller of a Gateway that has looked at the route. */
  status?: { parents?: { parentRef: ParentReference; controllerName: string; conditions?: Condition[] }[] };
}

export interface ValidatingAdmissionPolicy extends KubeObject {
  spec?: object;
}

export interface ValidatingAdmissionPolicyBinding extends KubeObject {
  spec?: {
    policyName?: string;
    validationActions?: readonly string[];
  };
}

export const kinds = {
  Store: ours<Store>('Store', 'stores'),
  FeatureSet: ours<FeatureSet>('FeatureSet', 'featuresets'),
  Dataset: ours<Dataset>('Dataset', 'datasets'),
  DatasetVersion: ours<DatasetVersion>('DatasetVersion', 'datasetversions'),
  TrainingJob: ours<TrainingJob>('TrainingJob', 'trainingjobs'),
  Model: ours<Model>('Model', 'models'),
  ModelVersion: ours<ModelVersion>('ModelVersion', 'modelversions'),
  ModelAlias: ours<ModelAlias>('ModelAlias', 'modelaliases'),
  Approval: ours<Approval>('Approval', 'approvals'),
  ServingRuntime: ours<ServingRuntime>('ServingRuntime', 'servingruntimes'),
  ClusterServingRuntime: ours<ClusterServingRuntime>('ClusterServingRuntime', 'clusterservingruntimes', false),
  InferenceService: ours<InferenceService>('InferenceService', 'inferenceservices'),
  ModelRollout: ours<ModelRollout>('ModelRollout', 'modelrollouts'),
  TrafficRoute: ours<TrafficRoute>('TrafficRoute', 'trafficroutes'),
  PodDisruptionBudget: defineKind<PodDisruptionBudget>({
    group: 'policy',
    version: 'v1',
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    namespaced: true,
  }),
  ValidatingAdmissionPolicy: admission<ValidatingAdmissionPolicy>(
    'ValidatingAdmissionPolicy',
    'validatingadmissionpolicies',
  ),
  ValidatingAdmissionPolicyBinding: admission<ValidatingAdmissionPolicyBinding>(
    'ValidatingAdmissionPolicyBinding',
    'validatingadmissionpolicybindings',
  ),
} as const;

function ours<T extends KubeObject>(kind: string, plural: string, namespaced = true): KubeKind<T> {
  return defineKind<T>({ group: GROUP, version: VERSION, kind, plural, namespaced });
}

function admission<T extends KubeObject>(kind: string, plural: string): KubeKind<T> {
  return defineKind<T>({ group: 'admissionregistration.k8s.io', version: 'v1', kind, plural, namespaced: false });
}

/** Of the Gateway API, which a cluster may lack. */
export const gatewayRouteKinds = {
  HTTPRoute: gatewayRoute('HTTPRoute', 'httproutes'),
  GRPCRoute: gatewayRoute('GRPCRoute', 'grpcroutes'),
} as const;

export type GatewayRouteKind = keyof typeof gatewayRouteKinds;

function gatewayRoute(kind: string, plural: string): KubeKind<GatewayRoute> {
  return defineKind<GatewayRoute>({
    group: 'gateway.networking.k8s.io',
    version: 'v1',
    kind,
    plural,
    namespaced: true,
  });
}
