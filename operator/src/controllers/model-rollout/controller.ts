import type { InferenceService, ModelRollout, TrafficRoute } from '@slipway/crds';
import { keyOf, toController, watch } from '@slipway/kube';
import type { DeepReadonly, KubeObject, ObjectKey, Signal } from '@slipway/kube';
import { controllerUid, indexKey } from '../../caches.ts';
import type { AddController } from '../../controller-registration.ts';
import type { Caches, OperatorDeps } from '../../deps.ts';
import type { Reason } from '../../conditions.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { SERVICE_LABEL } from '../../labels.ts';
import { silent } from '../inference-service/confirmation.ts';
import { stableName } from '../inference-service/desired-revision.ts';
import { observeService } from '../inference-service/observe.ts';
import type { ObservedService } from '../inference-service/observe.ts';
import { rolloutsOf as rolloutStates } from '../inference-service/rollout-words.ts';
import { modelRolloutStatus, unknownStatus } from './status.ts';

/** Tells how a rollout stands. Whatever moves is moved by the controller of InferenceServices. */
export const addModelRolloutController: AddController = (manager, deps) => {
  const { caches } = deps;
  const ofRoute = (route: DeepReadonly<TrafficRoute>) => rolloutsOfRoute(caches, route);
  const ofLabel = ({ metadata }: DeepReadonly<KubeObject>) =>
    rolloutsOf(caches, { namespace: metadata.namespace ?? '', name: metadata.labels?.[SERVICE_LABEL] ?? '' });
  addKindController(manager, deps, {
    name: 'model-rollout.lifecycle',
    kind: kinds.ModelRollout,
    cache: caches.modelRollouts,
    watches: [
      watch(caches.inferenceServices, ({ metadata }) => rolloutsOf(caches, metadata)),
      watch(caches.trafficRoutes, ofRoute),
      watch(caches.endpointSlices, ofLabel),
    ],
    signals: [gatewaySignal(deps)],
    observe: async (rollout) => {
      const { namespace = '' } = rollout.metadata;
      const service = caches.inferenceServices.get({ namespace, name: rollout.spec.inferenceService.name });
      const problem = strangerProblem(rollout, service);
      const owner = controllerUid(rollout);
      const isOurs = service !== undefined && (owner === undefined || owner === service.metadata.uid);
      const observed = isOurs && problem === undefined ? await observeService(deps, service) : undefined;
      return { rollout, observed, problem };
    },
    status: ({ rollout, observed, problem }, { now }) => {
      if (problem !== undefined) return unknownStatus(rollout, problem, now);
      if (observed === undefined || isToldAlready(rollout, observed)) return undefined;
      return modelRolloutStatus(rollout, rolloutStates(observed, now), now) ?? waitingStatus(rollout, observed, now);
    },
  });
};

/** What is wrong with one that a person has made, and that is no service's; one that has an owner goes with it. */
function strangerProblem(
  rollout: DeepReadonly<ModelRollout>,
  service: DeepReadonly<InferenceService> | undefined,
): Reason | undefined {
  if (controllerUid(rollout) !== undefined) return undefined;
  const { cause, inferenceService } = rollout.spec;
  if (cause !== 'Undo') {
    const message = `The operator makes the ModelRollouts of cause ${cause} itself, and does nothing for this one. To go back to a revision make one of cause Undo; for anything else change the InferenceService. Delete this one.`;
    return { reason: 'NotByOperator', message };
  }
  if (service !== undefined) return undefined;
  const message = `There is no InferenceService "${inferenceService.name}" in namespace "${rollout.metadata.namespace}". Create it, or delete this ModelRollout.`;
  return { reason: 'InferenceServiceNotFound', message };
}

/** An Undo that was not answered yet: the service has to have served, and a person may have aborted it before. */
function waitingStatus(rollout: DeepReadonly<ModelRollout>, { route }: ObservedService, now: Date) {
  if (controllerUid(rollout) !== undefined) return undefined;
  if (rollout.spec.verdict === 'Abort') {
    const message = 'spec.verdict is Abort: the operator does nothing for this one. Delete it.';
    return unknownStatus(rollout, { reason: 'UndoRefused', message }, now);
  }
  if (stableName({ route }) !== undefined) return undefined;
  const message = `InferenceService "${rollout.spec.inferenceService.name}" has not served yet, so there is nothing to go back to.`;
  return unknownStatus(rollout, { reason: 'NotYetServing', message }, now);
}

/** An operator that has just begun has not heard all gateways yet: nothing has changed by that. */
function isToldAlready(rollout: DeepReadonly<ModelRollout>, observed: ObservedService): boolean {
  return silent(observed).length > 0 && rollout.status?.observedGeneration === rollout.metadata.generation;
}

const serviceOf = toController(kinds.InferenceService);

function rolloutsOfRoute(caches: Caches, route: DeepReadonly<TrafficRoute>): readonly ObjectKey[] {
  return serviceOf(route).flatMap((service) => rolloutsOf(caches, service));
}

/** Those for which it matters what becomes of their service: one that is over changes no more. */
function rolloutsOf({ modelRollouts }: Caches, { namespace, name }: ObjectKey): readonly ObjectKey[] {
  return modelRollouts.byIndex('inferenceService', indexKey(namespace, name)).filter(mayChange).map(keyOf);
}

/** One that was aborted may be tried again. */
function mayChange({ status }: DeepReadonly<ModelRollout>): boolean {
  return status?.outcome === undefined || status.outcome === 'Aborted';
}

/** A gateway applies another sequence of a route. */
function gatewaySignal({ caches, gateways }: OperatorDeps): Signal {
  return {
    subscribe: (wake) =>
      gateways.subscribe({
        route: (uid) => {
          for (const route of caches.trafficRoutes.byIndex('uid', uid))
            for (const key of rolloutsOfRoute(caches, route)) wake(key, 'a gateway applies another route');
        },
      }),
  };
}
