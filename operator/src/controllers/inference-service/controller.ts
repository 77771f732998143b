import { SEQUENCE_MUST_RISE } from '@slipway/crds';
import type { ModelRollout } from '@slipway/crds';
import {
  apiVersionOf,
  applyOwned,
  ignoreNotFound,
  keyOf,
  KubeApiError,
  pruneOwned,
  toController,
  TransientError,
  watch,
} from '@slipway/kube';
import type { DeepReadonly, KubeKind, KubeObject, ObjectKey, Result, Scope, Signal } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { AddController } from '../../controller-registration.ts';
import { createOwned } from '../../create-owned.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { Caches, OperatorDeps } from '../../deps.ts';
import { storeWatches } from '../../jobs/store-watches.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { APPLIED_ANNOTATION, SERVICE_LABEL } from '../../labels.ts';
import { servicesOfHosts } from './hosts.ts';
import { changeNote } from './interface-change.ts';
import { observeService } from './observe.ts';
import type { ObservedService } from './observe.ts';
import { planService } from './plan.ts';
import type { ServicePlan } from './plan.ts';
import { serviceStatus } from './status.ts';

const NAME = 'inference-service.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** Revisions, their Deployments, and the TrafficRoute that says which of them gets the requests. */
export const addInferenceServiceController: AddController = (manager, deps) => {
  const { caches } = deps;
  const owner = toController(kinds.InferenceService);
  const ofAlias = (key: string) => caches.inferenceServices.byIndex('alias', key).map(keyOf);
  const ofVersion = (key: string) => [
    ...caches.inferenceServices.byIndex('modelVersion', key).map(keyOf),
    ...caches.modelAliases
      .byIndex('modelVersion', key)
      .flatMap(({ metadata }) => ofAlias(indexKey(metadata.namespace, metadata.name))),
  ];
  const ofVersionObject = ({ metadata }: DeepReadonly<KubeObject>) =>
    ofVersion(indexKey(metadata.namespace, metadata.name));
  const ofStore = (key: string) => caches.modelVersions.byIndex('store', key).flatMap(ofVersionObject);
  addKindController(manager, deps, {
    name: NAME,
    kind: kinds.InferenceService,
    cache: caches.inferenceServices,
    watches: [
      watch(caches.services, owner),
      watch(caches.trafficRoutes, owner),
      watch(caches.trafficRoutes, (route) => servicesOfHosts(caches, route)),
      watch(caches.modelRollouts, ({ metadata: { namespace = '' }, spec }) => [
        { namespace, name: spec.inferenceService.name },
      ]),
      watch(caches.deployments, owner),
      watch(caches.controllerRevisions, owner),
      watch(caches.disruptionBudgets, owner),
      watch(caches.pods, ofLabel),
      watch(caches.endpointSlices, ofLabel),
      watch(caches.gatewaySlices, () => caches.inferenceServices.list().map(keyOf)),
      watch(caches.models, ({ metadata }) =>
        caches.modelVersions.byIndex('model', indexKey(metadata.namespace, metadata.name)).flatMap(ofVersionObject),
      ),
      watch(caches.modelAliases, ({ metadata }) => ofAlias(indexKey(metadata.namespace, metadata.name))),
      watch(caches.modelVersions, ofVersionObject),
      // What serves is compared with what the service is to change to.
      watch(caches.modelVersions, ({ metadata }) =>
        caches.deployments.byIndex('modelVersion', indexKey(metadata.namespace, metadata.name)).flatMap(owner),
      ),
      ...storeWatches(caches, ofStore),
      // Also of those that name none: a condition lists what there is.
      watch(caches.servingRuntimes, ({ metadata }) => caches.inferenceServices.list(metadata.namespace).map(keyOf)),
      ...(caches.clusterServingRuntimes === undefined
        ? []
        : [watch(caches.clusterServingRuntimes, () => caches.inferenceServices.list().map(keyOf))]),
      ...(caches.knownGateways === undefined ? [] : [watch(caches.knownGateways, owner)]),
      ...Object.values(caches.gatewayRoutes ?? {}).map((routes) => watch(routes, owner)),
      watch(caches.mountFailures, ({ involvedObject: { namespace = '', name = '' } }) => {
        const pod = caches.pods.get({ namespace, name });
        return pod === undefined ? [] : ofLabel(pod);
      }),
    ],
    signals: [gatewaySignal(deps), tokenIssuerSignal(deps)],
    observe: (service) => observeService(deps, service),
    drive: (observed, scope) => driveInferenceService(deps, observed, scope),
    status: serviceStatus,
  });
};

/** A gateway applies another sequence of a route; or it died, is back or fell silent, which concerns all services. */
function gatewaySignal({ caches, gateways }: OperatorDeps): Signal {
  return {
    subscribe: (wake) =>
      gateways.subscribe({
        replica: (address) => {
          for (const service of caches.inferenceServices.list())
            wake(keyOf(service), `gateway ${address} died, is back or fell silent`);
        },
        route: (uid) => {
          for (const route of caches.trafficRoutes.byIndex('uid', uid))
            wake(keyOf(route), 'a gateway applies another route');
        },
      }),
  };
}

function tokenIssuerSignal({ caches, tokenIssuer }: OperatorDeps): Signal {
  return {
    subscribe: (wake) =>
      tokenIssuer?.subscribe(() => {
        for (const service of caches.inferenceServices.list()) wake(keyOf(service), 'gateways are known by other keys');
      }),
  };
}

/** Pods and EndpointSlices are controlled by what Kubernetes made; they carry the labels that we gave to its owner. */
function ofLabel({ metadata }: DeepReadonly<KubeObject>): readonly ObjectKey[] {
  const name = metadata.labels?.[SERVICE_LABEL];
  return name === undefined ? [] : [{ namespace: metadata.namespace ?? '', name }];
}

async function driveInferenceService(deps: OperatorDeps, observed: ObservedService, scope: Scope): Promise<Result> {
  const { service } = observed;
  const plan = planService(observed, { now: deps.clock.now(), config: deps.config });
  const owned = {
    client: deps.client,
    owner: { kind: kinds.InferenceService, object: service },
    fieldManager: FIELD_MANAGER,
    appliedAnnotation: APPLIED_ANNOTATION,
    live: (kind: KubeKind, child: ObjectKey) => liveChild(deps.caches, kind, child),
  };
  const makeRollout = async (object: ModelRollout | undefined) => {
    if (object !== undefined) await createOwned(owned, { kind: kinds.ModelRollout, object }, scope);
  };
  await makeRollout(plan.owedRollout);
  await applyOwned(owned, plan.apply, scope).catch(notIfTheRouteMovedOn);
  // After the route, which gives it its number.
  await makeRollout(plan.newRollout);
  for (const rollout of plan.adopt) await adoptRollout(deps, service, rollout, scope);
  recordPlan(deps, observed, plan, scope);
  await pruneOwned(owned, plan.prune, () => false, scope);
  return plan.next;
}

/** So that it is deleted with its service. After the route, which tells that it was answered. */
async function adoptRollout(
  { client }: OperatorDeps,
  service: ObservedService['service'],
  rollout: DeepReadonly<KubeObject>,
  scope: Scope,
): Promise<void> {
  const { name, uid = '' } = service.metadata;
  const { uid: own, resourceVersion, ownerReferences = [] } = rollout.metadata;
  const reference = {
    apiVersion: apiVersionOf(kinds.InferenceService),
    kind: kinds.InferenceService.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
  // Another write meanwhile is answered with a conflict.
  const patch = { metadata: { uid: own, resourceVersion, ownerReferences: [...ownerReferences, reference] } };
  const options = { fieldManager: FIELD_MANAGER, signal: scope.signal };
  await ignoreNotFound(client.mergePatch(kinds.ModelRollout, keyOf(rollout), patch, options));
}

/** The API server refuses a sequence that does not rise: then the cache does not know of a write that came before. */
function notIfTheRouteMovedOn(cause: unknown): never {
  const isRefused = cause instanceof KubeApiError && cause.message.includes(SEQUENCE_MUST_RISE);
  if (isRefused) throw new TransientError('Conflict', 'The TrafficRoute was changed meanwhile.', { cause });
  throw cause;
}

function liveChild(caches: Caches, kind: KubeKind, key: ObjectKey): DeepReadonly<KubeObject> | undefined {
  switch (kind.kind) {
    case 'Service':
      return caches.services.get(key);
    case 'Deployment':
      return caches.deployments.get(key);
    case 'EndpointSlice':
      return caches.endpointSlices.get(key);
    case 'TrafficRoute':
      return caches.trafficRoutes.get(key);
    case 'HTTPRoute':
    case 'GRPCRoute':
      return caches.gatewayRoutes?.[kind.kind].get(key);
    case 'ControllerRevision':
      return caches.controllerRevisions.get(key);
    case 'ConfigMap':
      return caches.knownGateways?.get(key);
    case 'PodDisruptionBudget':
      return caches.disruptionBudgets.get(key);
    default:
      return undefined;
  }
}

function recordPlan(deps: OperatorDeps, observed: ObservedService, plan: ServicePlan, scope: Scope): void {
  const { service } = observed;
  if (plan.created !== undefined) {
    scope.log.info({ revision: plan.created }, 'revision created');
    const message = `Revision ${plan.created} of ModelVersion ${observed.resolved.version} was created.`;
    deps.events.record(service, { type: 'Normal', reason: 'RevisionCreated', message, action: 'CreatingRevision' });
  }
  const note = changeNote(observed);
  for (const told of note === undefined ? plan.notes : [note, ...plan.notes]) deps.events.record(service, told);
  if (plan.movesTo !== undefined) {
    scope.log.info({ revision: plan.movesTo }, 'traffic moves');
    const message = `All requests go to revision ${plan.movesTo}.`;
    deps.events.record(service, { type: 'Normal', reason: 'TrafficMoved', message, action: 'MovingTraffic' });
  }
}
