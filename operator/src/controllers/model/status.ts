import type { Condition, ModelStatus } from '@slipway/crds';
import { baseStatus, inProgress, ready } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import type { ObservedModel } from './observe.ts';

export function modelStatus(observed: ObservedModel, now: Date): ModelStatus & { conditions: Condition[] } {
  const { model, store, versions } = observed;
  const conditions = store.problem === undefined ? ready(whyReady(observed)) : inProgress(store.problem);
  const latest = latestOf(versions);
  return {
    ...baseStatus(model, conditions, now),
    versions: versions.length,
    ...(latest === undefined ? {} : { latest: { name: latest.metadata.name, number: latest.spec.number } }),
  };
}

function whyReady({ model }: ObservedModel): Reason {
  return { reason: 'StoreReady', message: `Versions are published in Store "${model.spec.store.name}".` };
}

interface Numbered {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly number: number };
}

/** The one with the highest number; of several that were given the same number by hand, the first by name. */
export function latestOf<V extends Numbered>(versions: readonly V[]): V | undefined {
  const sorted = [...versions].sort(
    (a, b) => b.spec.number - a.spec.number || (a.metadata.name < b.metadata.name ? -1 : 1),
  );
  return sorted[0];
}
