import type { InferenceService } from '@slipway/crds';
import {
  applyOwned,
  builtin,
  ignoreNotFound,
  keyOf,
  pruneOwned,
  toController,
  TransientError,
  watch,
} from '@slipway/kube';
import type { DeepReadonly, KubeKind, KubeObject, ObjectKey, Result, Scope } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { AddController } from '../../controller-registration.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { Caches, OperatorDeps } from '../../deps.ts';
import { storeWatches } from '../../jobs/store-watches.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { APPLIED_ANNOTATION, REVISION_LABEL, SERVICE_LABEL } from '../../labels.ts';
import { observeService } from './observe.ts';
import type { ObservedService } from './observe.ts';
import { planService } from './plan.ts';
import type { ServicePlan } from './plan.ts';
import { serviceStatus } from './status.ts';

const NAME = 'inference-service.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** Revisions, their Deployments, and the Service whose selector says which of them has the traffic. */
export const addInferenceServiceController: AddController = (manager, deps) => {
  const { caches } = deps;
  const owner = toController(kinds.InferenceService);
  const ofVersion = (key: string) => caches.inferenceServices.byIndex('modelVersion', key).map(keyOf);
  const ofStore = (key: string) =>
    caches.modelVersions
      .byIndex('store', key)
      .flatMap(({ metadata }) => ofVersion(indexKey(metadata.namespace, metadata.name)));
  addKindController(manager, deps, {
    name: NAME,
    kind: kinds.InferenceService,
    cache: caches.inferenceServices,
    watches: [
      watch(caches.services, owner),
      watch(caches.deployments, owner),
      watch(caches.controllerRevisions, owner),
      watch(caches.disruptionBudgets, owner),
      watch(caches.pods, ofLabel),
      watch(caches.endpointSlices, ofLabel),
      watch(caches.modelVersions, ({ metadata }) => ofVersion(indexKey(metadata.namespace, metadata.name))),
      ...storeWatches(caches, ofStore),
      watch(caches.mountFailures, ({ involvedObject: { namespace = '', name = '' } }) => {
        const pod = caches.pods.get({ namespace, name });
        return pod === undefined ? [] : ofLabel(pod);
      }),
    ],
    observe: (service) => observeService(caches, service),
    drive: (observed, scope) => driveInferenceService(deps, observed, scope),
    status: serviceStatus,
  });
};

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
  await applyOwned(owned, plan.apply, scope);
  recordPlan(deps, service, plan, scope);
  await refuseToEndWhatServes(deps, observed, plan, scope);
  await pruneOwned(owned, plan.prune, () => false, scope);
  return plan.next;
}

/**
 * Before a Deployment is deleted the server is asked where the traffic goes: the cache may not know yet of a switch whose
 * answer was lost. Then the next pass will.
 */
async function refuseToEndWhatServes(
  { client }: OperatorDeps,
  { service }: ObservedService,
  { prune }: ServicePlan,
  { signal }: Scope,
): Promise<void> {
  const doomed = prune.filter(({ kind }) => kind.kind === builtin.Deployment.kind);
  if (doomed.length === 0) return;
  const address = await ignoreNotFound(client.get(builtin.Service, keyOf(service), { signal }));
  const serving = address?.spec?.selector?.[REVISION_LABEL];
  if (doomed.some(({ object }) => object.metadata.name === serving)) {
    throw new TransientError('Conflict', `The traffic goes to ${serving}, which the cache does not know yet.`);
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
