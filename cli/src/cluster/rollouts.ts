/** ModelRollouts as this command tells them apart. */
import type { ModelRollout } from '@slipway/crds';

export type Phase = 'GoesOn' | NonNullable<NonNullable<ModelRollout['status']>['outcome']>;

/** By what people have said as well, because a status comes later than a spec. */
export function phaseOf({ metadata, spec, status }: ModelRollout): Phase {
  const outcome = status?.outcome;
  if (outcome !== undefined && outcome !== 'Aborted') return outcome;
  if (spec.verdict === 'Abort') return 'Aborted';
  // After a retry it speaks of the try before, until the operator has looked.
  const isTold = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return outcome === 'Aborted' && isTold ? 'Aborted' : 'GoesOn';
}

/** The number that ends the name; 0 of one that people have named. */
export function numberOf({ metadata: { name } }: ModelRollout): number {
  return Number(/-([1-9][0-9]{0,8})$/.exec(name)?.[1] ?? 0);
}

/** The newest first. */
export function byNumber(a: ModelRollout, b: ModelRollout): number {
  const created = ({ metadata }: ModelRollout) => Date.parse(metadata.creationTimestamp ?? '') || 0;
  return created(b) - created(a) || numberOf(b) - numberOf(a);
}

export function newestRollout(all: readonly ModelRollout[], service: string): ModelRollout | undefined {
  return all.filter(({ spec }) => spec.inferenceService.name === service).toSorted(byNumber)[0];
}
