import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { keyOf, requeueAfter, settled, toController, watch } from '@slipway/kube';
import type { DeepReadonly, Result, Scope, Signal } from '@slipway/kube';
import { decideReplicas } from '../../../autoscaling/decide-replicas.ts';
import type { ScalingDecision } from '../../../autoscaling/decide-replicas.ts';
import { indexKey } from '../../../caches.ts';
import type { AddController } from '../../../controller-registration.ts';
import { fieldManagerOf } from '../../../deps.ts';
import type { OperatorDeps } from '../../../deps.ts';
import { isReady, knownGateways } from '../../../gateways/gateways.ts';
import { kinds } from '../../../kinds.ts';
import { isPodReady } from '../revision-trouble.ts';
import { replicasOf } from './replicas.ts';
import { scaledBy } from './settings.ts';
import type { ScaledBy } from './settings.ts';

const NAME = 'inference-service.scaling';
const FIELD_MANAGER = fieldManagerOf(NAME);

/**
 * Chooses the pods of services that have a target, from what the gateways count, and writes that where `kubectl scale` writes.
 * It makes nothing itself: `inference-service.lifecycle` does.
 */
export const addScalingController: AddController = (manager, deps) => {
  const { caches, scaling, gateways, clock } = deps;
  gateways.subscribe({ load: (incarnation, load) => scaling.take(incarnation, clock.now().getTime(), load) });
  manager.addController({
    name: NAME,
    for: caches.inferenceServices,
    watches: [watch(caches.trafficRoutes, toController(kinds.InferenceService))],
    signals: [waitingSignal(deps)],
    reconcile: async (key, scope) => {
      const service = caches.inferenceServices.get(key);
      const scaled = service && scaledBy(service.spec.scaling, clock.now());
      const [route] = caches.trafficRoutes.byIndex('controller', service?.metadata.uid ?? '');
      const isGoing = service?.metadata.deletionTimestamp !== undefined;
      if (service === undefined || isGoing || scaled === undefined || route === undefined) {
        scaling.forget(indexKey(key.namespace, key.name));
        return settled();
      }
      return scale(deps, { service, route, ...scaled }, scope);
    },
  });
};

/** Requests wait for a pod: there is none, or too few. */
function waitingSignal({ caches, scaling, gateways }: OperatorDeps): Signal {
  return {
    subscribe: (wake) =>
      gateways.subscribe({
        load: (_, { routes }) => {
          const waited = routes.filter(({ uid, held }) => held > 0 && scaling.follows(uid));
          for (const { uid } of waited)
            for (const route of caches.trafficRoutes.byIndex('uid', uid)) wake(keyOf(route), 'requests wait for a pod');
        },
      }),
  };
}

interface Scaled extends ScaledBy {
  readonly service: DeepReadonly<InferenceService>;
  readonly route: DeepReadonly<TrafficRoute>;
}

async function scale(
  deps: OperatorDeps,
  { service, settings, changesInMs, route }: Scaled,
  scope: Scope,
): Promise<Result> {
  const { caches, scaling, gateways: fleet, clock } = deps;
  const { namespace = '', name } = service.metadata;
  const current = replicasOf(deps, service, route);
  const pods = caches.pods.byIndex('revision', indexKey(namespace, route.spec.stable));
  const followed = scaling.follow(indexKey(namespace, name), route.metadata.uid ?? '');
  const decision = decideReplicas(
    {
      settings,
      history: followed.history,
      gateways: knownGateways(deps)
        .filter(isReady)
        .map(({ address }) => fleet.incarnationAt(address)),
      current,
      ready: pods.filter(isPodReady).length,
      now: clock.now().getTime(),
    },
    followed.state,
  );
  followed.state = decision.state;
  if (decision.replicas !== service.spec.scaling.replicas) {
    await write(deps, service, decision, scope);
    tell(deps, service, decision);
  }
  const { nextLookMs = changesInMs } = decision;
  return nextLookMs === undefined ? settled() : requeueAfter(nextLookMs, 'the load or the schedule may have changed');
}

/** With the version that was looked at: a late write of a dead leader, or one beside a person's, is refused. */
async function write(
  { client }: OperatorDeps,
  { metadata }: DeepReadonly<InferenceService>,
  { replicas }: ScalingDecision,
  { signal }: Scope,
): Promise<void> {
  const { resourceVersion = '' } = metadata;
  await client.mergePatch(
    kinds.InferenceService,
    keyOf({ metadata }),
    { metadata: { resourceVersion }, spec: { replicas } },
    { fieldManager: FIELD_MANAGER, subresource: 'scale', signal },
  );
}

function tell(
  { events }: OperatorDeps,
  service: DeepReadonly<InferenceService>,
  { replicas, why }: ScalingDecision,
): void {
  const { replicas: before } = service.spec.scaling;
  const message = `From ${before} to ${replicas} ${replicas === 1 ? 'pod' : 'pods'}: ${why}.`;
  events.record(service, { type: 'Normal', reason: 'Scaled', message, action: 'Scaling' });
}
