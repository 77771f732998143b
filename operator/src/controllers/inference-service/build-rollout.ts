/** The ModelRollout of a rollout, where people read how it goes and say what they want. */
import type { InferenceService, ModelRollout } from '@slipway/crds';
import { groupVersion } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { childName } from '../../names.ts';
import type { Ended, Rollout } from '../../rollouts/record.ts';
import { ownedMetadata } from './owned-metadata.ts';

/** `flights-7` */
export function rolloutName(service: string, number: number): string {
  return childName(service, String(number));
}

/** `flights-7`, or as the person has called it who went back. */
export function nameOfRollout(service: string, { number, by }: Pick<Ended, 'number' | 'by'>): string {
  return by?.name ?? rolloutName(service, number);
}

/** With what people had asked for, where somebody has deleted it. */
export function buildModelRollout(owner: DeepReadonly<InferenceService>, rollout: Rollout): ModelRollout {
  const { name } = owner.metadata;
  const { from, to, cause, asked } = rollout;
  return {
    apiVersion: groupVersion,
    kind: 'ModelRollout',
    metadata: ownedMetadata(owner, nameOfRollout(name, rollout)),
    spec: { inferenceService: { name }, from: { revision: from }, to: { revision: to }, cause, ...asked },
  };
}
