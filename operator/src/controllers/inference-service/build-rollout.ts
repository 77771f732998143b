/** The ModelRollout of a rollout, where people read how it goes and say what they want. */
import type { InferenceService, ModelRollout } from '@slipway/crds';
import { groupVersion } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { childName } from '../../names.ts';
import type { Rollout } from '../../rollouts/record.ts';
import { ownedMetadata } from './owned-metadata.ts';

/** `flights-7` */
export function rolloutName(service: string, number: number): string {
  return childName(service, String(number));
}

/** With what people had asked for, where somebody has deleted it. */
export function buildModelRollout(
  owner: DeepReadonly<InferenceService>,
  { number, from, to, cause, asked }: Rollout,
): ModelRollout {
  const { name } = owner.metadata;
  return {
    apiVersion: groupVersion,
    kind: 'ModelRollout',
    metadata: ownedMetadata(owner, rolloutName(name, number)),
    spec: { inferenceService: { name }, from: { revision: from }, to: { revision: to }, cause, ...asked },
  };
}
