import type { InferenceService, TrafficRoute } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { indexKey } from '../../../caches.ts';
import type { OperatorDeps } from '../../../deps.ts';
import { boundedReplicas } from './settings.ts';

/**
 * Pods that a service shall have now: what is asked for, within its bounds. One that is scaled by the operator does not shrink
 * at once because somebody has replaced its spec: what was needed within the scale-down window stays, and all that is there
 * until that is known.
 */
export function replicasOf(
  { caches, scaling }: Pick<OperatorDeps, 'caches' | 'scaling'>,
  { metadata, spec }: DeepReadonly<InferenceService>,
  route: DeepReadonly<TrafficRoute> | undefined,
): number {
  const { namespace = '', name } = metadata;
  if (route === undefined) return boundedReplicas(spec.scaling, 0);
  const stable = caches.deployments.get({ namespace, name: route.spec.stable });
  const floor = scaling.floorOf(indexKey(namespace, name), route.metadata.uid ?? '') ?? stable?.spec?.replicas ?? 0;
  return boundedReplicas(spec.scaling, floor);
}
