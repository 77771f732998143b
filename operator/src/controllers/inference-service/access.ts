/** Who may send requests to a service. */
import type { InferenceService } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';

type Access = NonNullable<DeepReadonly<InferenceService>['spec']['access']>;

/** What the service says, or else the install. Undefined: whoever reaches the gateways. */
export function accessOf(
  { metadata: { namespace = '' }, spec }: DeepReadonly<InferenceService>,
  { defaultAccess }: Pick<WorkloadConfig, 'defaultAccess'>,
): Access | undefined {
  if (spec.access !== undefined)
    return spec.access.from.some(({ anyone }) => anyone !== undefined) ? undefined : spec.access;
  return defaultAccess === 'OwnNamespace' ? { from: [{ namespace: { name: namespace } }] } : undefined;
}
