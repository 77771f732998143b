import type { InferenceService } from '@slipway/crds';
import {
  applyOwned,
  keyOf,
  pruneOwned,
  requeueAfter,
  settled,
  toController,
  toOperatorError,
  watch,
  writeStatus,
} from '@slipway/kube';
import type { DeepReadonly, KubeKind, KubeObject, ObjectKey, OperatorError, Result, Scope } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { recordReadyChange } from '../../condition-events.ts';
import type { AddController } from '../../controller-registration.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { Caches, OperatorDeps } from '../../deps.ts';
import { kinds } from '../../kinds.ts';
import { APPLIED_ANNOTATION, SERVICE_LABEL } from '../../labels.ts';
import { observeService } from './observe.ts';
import type { ObservedService } from './observe.ts';
import { planService } from './plan.ts';
import type { ServicePlan } from './plan.ts';
import { serviceStatus } from './status.ts';

const NAME = 'inference-service.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);
/** We see only what carries our labels, so nothing tells us when somebody else's Service of our name is gone. */
const NAME_TAKEN_POLL_MS = 30_000;

/** Revisions, their Deployments, and the Service whose selector says which of them has the traffic. */
export const addInferenceServiceController: AddController = (manager, deps) => {
  const { caches } = deps;
  const owner = toController(kinds.InferenceService);
  const ofVersion = (key: string) => caches.inferenceServices.byIndex('modelVersion', key).map(keyOf);
  const ofStore = (key: string) =>
    caches.modelVersions
      .byIndex('store', key)
      .flatMap(({ metadata }) => ofVersion(indexKey(metadata.namespace, metadata.name)));
  manager.addController({
    name: NAME,
    for: caches.inferenceServices,
    watches: [
      watch(caches.services, owner),
      watch(caches.deployments, owner),
      watch(caches.controllerRevisions, owner),
      watch(caches.disruptionBudgets, owner),
      watch(caches.pods, ofLabel),
      watch(caches.endpointSlices, ofLabel),
      watch(caches.modelVersions, ({ metadata }) => ofVersion(indexKey(metadata.namespace, metadata.name))),
      watch(caches.stores, ({ metadata }) => ofStore(indexKey(metadata.namespace, metadata.name))),
      watch(caches.claims, ({ metadata }) =>
        caches.stores
          .byIndex('claim', indexKey(metadata.namespace, metadata.name))
          .flatMap((store) => ofStore(indexKey(store.metadata.namespace, store.metadata.name))),
      ),
      watch(caches.mountFailures, ({ involvedObject: { namespace = '', name = '' } }) => {
        const pod = caches.pods.get({ namespace, name });
        return pod === undefined ? [] : ofLabel(pod);
      }),
    ],
    reconcile: (key, scope) => reconcileInferenceService(deps, key, scope),
  });
};

/** Pods and EndpointSlices are controlled by what Kubernetes made; they carry the labels that we gave to its owner. */
function ofLabel({ metadata }: DeepReadonly<KubeObject>): readonly ObjectKey[] {
  const name = metadata.labels?.[SERVICE_LABEL];
  return name === undefined ? [] : [{ namespace: metadata.namespace ?? '', name }];
}

async function reconcileInferenceService(deps: OperatorDeps, key: ObjectKey, scope: Scope): Promise<Result> {
  const service = deps.caches.inferenceServices.get(key);
  // What it owns is collected by Kubernetes.
  if (service === undefined || service.metadata.deletionTimestamp !== undefined) return settled();
  const observed = observeService(deps.caches, service);
  const { error, next } = await drive(deps, observed, scope);
  const status = serviceStatus(observed, { now: deps.clock.now(), config: deps.config, error });
  if (status !== undefined) {
    const statusDeps = { client: deps.client, kind: kinds.InferenceService, fieldManager: FIELD_MANAGER };
    const wrote = await writeStatus(statusDeps, service, status, scope);
    if (wrote) recordReadyChange(deps.events, service, status.conditions);
  }
  if (error?.reason === 'NameTaken') return requeueAfter(NAME_TAKEN_POLL_MS, 'a name of a child is taken');
  if (error !== undefined) throw error;
  return next;
}

interface Outcome {
  readonly error: OperatorError | undefined;
  readonly next: Result;
}

/** Never throws: an error goes into the status first. */
async function drive(deps: OperatorDeps, observed: ObservedService, scope: Scope): Promise<Outcome> {
  const { service } = observed;
  try {
    const plan = planService(observed, { now: deps.clock.now(), config: deps.config });
    const owned = {
      client: deps.client,
      owner: { kind: kinds.InferenceService, object: service },
      fieldManager: FIELD_MANAGER,
      appliedAnnotation: APPLIED_ANNOTATION,
      live: (kind: KubeKind, child: ObjectKey) => liveChild(deps.caches, kind, child),
    };
    await applyOwned(owned, plan.apply, scope);
    recordPlan(deps, service, plan, scope);
    await pruneOwned(owned, plan.prune, () => false, scope);
    return { error: undefined, next: plan.next };
  } catch (cause) {
    return { error: toOperatorError(cause), next: settled() };
  }
}

function liveChild(caches: Caches, kind: KubeKind, key: ObjectKey): DeepReadonly<KubeObject> | undefined {
  switch (kind.kind) {
    case 'Service':
      return caches.services.get(key);
    case 'Deployment':
      return caches.deployments.get(key);
    case 'ControllerRevision':
      return caches.controllerRevisions.get(key);
    case 'PodDisruptionBudget':
      return caches.disruptionBudgets.get(key);
    default:
      return undefined;
  }
}

function recordPlan(
  deps: OperatorDeps,
  service: DeepReadonly<InferenceService>,
  plan: ServicePlan,
  scope: Scope,
): void {
  if (plan.created !== undefined) {
    scope.log.info({ revision: plan.created }, 'revision created');
    const message = `Revision ${plan.created} of ModelVersion ${service.spec.modelVersion.name} was created.`;
    deps.events.record(service, { type: 'Normal', reason: 'RevisionCreated', message, action: 'CreatingRevision' });
  }
  if (plan.switchTo !== undefined) {
    scope.log.info({ revision: plan.switchTo }, 'traffic switched');
    const message = `All traffic goes to revision ${plan.switchTo}.`;
    deps.events.record(service, { type: 'Normal', reason: 'TrafficSwitched', message, action: 'SwitchingTraffic' });
  }
}
