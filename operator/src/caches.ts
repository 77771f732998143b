import { modelAliasName } from '@slipway/crds';
import { builtin, controllerOf } from '@slipway/kube';
import type { Cache, DeepReadonly, KubeObject, Manager } from '@slipway/kube';
import type { Caches, GatewayService, SigningCaches } from './deps.ts';
import { readRevision } from './controllers/inference-service/revision.ts';
import { CodeFiles, codeFilesOf } from './code-files.ts';
import { gatewayRouteKinds, kinds } from './kinds.ts';
import type { GatewayRoute, GatewayRouteKind } from './kinds.ts';
import {
  MANAGED_BY_SELECTOR,
  MODEL_VERSION_LABEL,
  PRODUCER_UID,
  REVISION_LABEL,
  SERVICE_NAME_LABEL,
} from './labels.ts';
import { hostsOf } from './gateways/host-owner.ts';
import { parseStoreUri } from './jobs/store-mount.ts';

/** The value of an index over a name in a namespace. */
export function indexKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** The uid of the object that controls this one; undefined for one that nobody controls. */
export function controllerUid(object: DeepReadonly<KubeObject>): string | undefined {
  return controllerOf(object)?.uid;
}

export interface CachesOptions {
  readonly gateway: GatewayService;
  /** Name of the policy that checks who signs aliases and approvals. */
  readonly signingPolicy?: string | undefined;
  /** Whether routes of the Gateway API are looked after. Default: no. */
  readonly gatewayApi?: boolean;
  /** Whether pods are told who the gateways are. Default: no. */
  readonly accessAtPods?: boolean;
  /** Undefined: all. */
  readonly namespaces?: readonly string[] | undefined;
}

/** Asks the manager for every cache; the reflectors start with the manager. */
export function createCaches(
  manager: Pick<Manager, 'cache'>,
  { gateway, signingPolicy, gatewayApi = false, accessAtPods = false, namespaces }: CachesOptions,
): Caches {
  const gatewaySlices = manager.cache(builtin.EndpointSlice, {
    namespaces: [gateway.namespace],
    labelSelector: `${SERVICE_NAME_LABEL}=${gateway.service}`,
  });
  const signing = signingPolicy === undefined ? undefined : signingCaches(manager, signingPolicy);
  const clusterServingRuntimes = namespaces === undefined ? manager.cache(kinds.ClusterServingRuntime) : undefined;
  const knownGateways = accessAtPods
    ? manager.cache(builtin.ConfigMap, { labelSelector: MANAGED_BY_SELECTOR, indexes: { controller: byController } })
    : undefined;
  const gatewayRoutes = gatewayApi
    ? { HTTPRoute: gatewayRoutesCache(manager, 'HTTPRoute'), GRPCRoute: gatewayRoutesCache(manager, 'GRPCRoute') }
    : undefined;
  return {
    ...ownCaches(manager),
    ...workloadCaches(manager),
    gatewaySlices,
    clusterServingRuntimes,
    signing,
    gatewayRoutes,
    knownGateways,
  };
}

function gatewayRoutesCache(manager: Pick<Manager, 'cache'>, kind: GatewayRouteKind): Cache<GatewayRoute> {
  const indexes = { controller: byController };
  return manager.cache(gatewayRouteKinds[kind], { labelSelector: MANAGED_BY_SELECTOR, mayBeMissing: true, indexes });
}

/** By name: the operator may read these two objects of the cluster and no others. */
function signingCaches(manager: Pick<Manager, 'cache'>, name: string): SigningCaches {
  const one = { fieldSelector: `metadata.name=${name}` };
  return {
    name,
    policies: manager.cache(kinds.ValidatingAdmissionPolicy, one),
    bindings: manager.cache(kinds.ValidatingAdmissionPolicyBinding, one),
  };
}

type OwnCaches = Pick<
  Caches,
  | 'stores'
  | 'featureSets'
  | 'datasets'
  | 'datasetVersions'
  | 'trainingJobs'
  | 'models'
  | 'modelVersions'
  | 'modelAliases'
  | 'approvals'
  | 'servingRuntimes'
  | 'inferenceServices'
  | 'modelRollouts'
  | 'trafficRoutes'
>;

function ownCaches(manager: Pick<Manager, 'cache'>): OwnCaches {
  return {
    stores: manager.cache(kinds.Store, {
      indexes: {
        claim: (store) => {
          const parsed = parseStoreUri(store.spec.uri);
          return parsed === undefined ? [] : at(store, parsed.claim);
        },
      },
    }),
    featureSets: manager.cache(kinds.FeatureSet, {
      indexes: { store: (o) => at(o, o.spec.source.files.store.name, o.spec.store.name) },
    }),
    datasets: manager.cache(kinds.Dataset, {
      indexes: {
        store: (o) => at(o, o.spec.rows.files.store.name, o.spec.store.name),
        featureSet: (o) => at(o, ...o.spec.features.map((feature) => feature.featureSet.name)),
      },
    }),
    datasetVersions: manager.cache(kinds.DatasetVersion, {
      indexes: { dataset: (o) => at(o, o.spec.dataset.name), producer: byProducer },
    }),
    trainingJobs: manager.cache(kinds.TrainingJob, {
      indexes: {
        dataset: (o) => at(o, o.spec.dataset.name),
        model: (o) => at(o, o.spec.output.model.name),
        configMap: (o) => (o.spec.code === undefined ? [] : at(o, o.spec.code.configMap.name)),
      },
    }),
    models: manager.cache(kinds.Model, {
      indexes: {
        store: (o) => at(o, o.spec.store.name),
        dataset: (o) => (o.spec.evaluation === undefined ? [] : at(o, o.spec.evaluation.dataset.name)),
      },
    }),
    modelVersions: manager.cache(kinds.ModelVersion, {
      indexes: {
        store: (o) => at(o, o.spec.artifact.store.name),
        model: (o) => (o.spec.model === undefined ? [] : at(o, o.spec.model.name)),
        producer: byProducer,
      },
    }),
    modelAliases: manager.cache(kinds.ModelAlias, {
      indexes: {
        model: (o) => at(o, o.spec.model.name),
        modelVersion: (o) => at(o, o.spec.modelVersion.name),
      },
    }),
    approvals: manager.cache(kinds.Approval, { indexes: { modelVersion: (o) => at(o, o.spec.modelVersion.name) } }),
    servingRuntimes: manager.cache(kinds.ServingRuntime),
    inferenceServices: manager.cache(kinds.InferenceService, {
      indexes: {
        modelVersion: (o) => (o.spec.modelVersion === undefined ? [] : at(o, o.spec.modelVersion.name)),
        alias: (o) => (o.spec.model === undefined ? [] : at(o, modelAliasName(o.spec.model))),
      },
    }),
    modelRollouts: manager.cache(kinds.ModelRollout, {
      indexes: { inferenceService: (o) => at(o, o.spec.inferenceService.name) },
    }),
    trafficRoutes: manager.cache(kinds.TrafficRoute, {
      indexes: { controller: byController, uid: (o) => present(o.metadata.uid), host: hostsOf },
    }),
  };
}

type OfTheInstall = 'gatewaySlices' | 'clusterServingRuntimes' | 'signing' | 'gatewayRoutes' | 'knownGateways';

function workloadCaches(manager: Pick<Manager, 'cache'>): Omit<Caches, keyof OwnCaches | OfTheInstall> {
  const managed = { labelSelector: MANAGED_BY_SELECTOR, indexes: { controller: byController } };
  return {
    jobs: manager.cache(builtin.Job, managed),
    pods: manager.cache(builtin.Pod, {
      labelSelector: MANAGED_BY_SELECTOR,
      indexes: {
        controller: byController,
        revision: (pod) => {
          const revision = pod.metadata.labels?.[REVISION_LABEL];
          return revision === undefined ? [] : at(pod, revision);
        },
      },
    }),
    services: manager.cache(builtin.Service, managed),
    deployments: manager.cache(builtin.Deployment, {
      labelSelector: MANAGED_BY_SELECTOR,
      indexes: {
        controller: byController,
        modelVersion: (deployment) => {
          const version = deployment.metadata.labels?.[MODEL_VERSION_LABEL];
          return version === undefined ? [] : at(deployment, version);
        },
      },
    }),
    disruptionBudgets: manager.cache(kinds.PodDisruptionBudget, managed),
    controllerRevisions: manager.cache(builtin.ControllerRevision, {
      labelSelector: MANAGED_BY_SELECTOR,
      indexes: {
        controller: byController,
        modelVersion: (revision) => {
          const version = readRevision(revision)?.facts.modelVersion;
          return version === undefined ? [] : at(revision, version);
        },
      },
    }),
    endpointSlices: manager.cache(builtin.EndpointSlice, {
      labelSelector: MANAGED_BY_SELECTOR,
      indexes: {
        controller: byController,
        service: (slice) => {
          const service = slice.metadata.labels?.[SERVICE_NAME_LABEL];
          return service === undefined ? [] : at(slice, service);
        },
      },
    }),
    claims: manager.cache(builtin.PersistentVolumeClaim),
    codeFiles: manager.cache(CodeFiles, { keep: codeFilesOf }),
    jobCreateFailures: manager.cache(builtin.CoreEvent, {
      fieldSelector: 'involvedObject.kind=Job,reason=FailedCreate',
      indexes: { subject: (event) => present(event.involvedObject.uid) },
    }),
    mountFailures: manager.cache(builtin.CoreEvent, {
      fieldSelector: 'involvedObject.kind=Pod,reason=FailedMount',
      indexes: { subject: (event) => present(event.involvedObject.uid) },
    }),
  };
}

function at(object: DeepReadonly<KubeObject>, ...names: readonly string[]): string[] {
  return [...new Set(names)].map((name) => indexKey(object.metadata.namespace, name));
}

function byController(object: DeepReadonly<KubeObject>): readonly string[] {
  return present(controllerUid(object));
}

function byProducer(object: DeepReadonly<KubeObject>): readonly string[] {
  return present(object.metadata.labels?.[PRODUCER_UID]);
}

function present(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}
