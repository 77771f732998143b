/** Whether all that a build reads is there, and what exactly it is: pinned before the Job starts. */
import type { Dataset, FeatureSet, Store } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import type { FoundStore } from '../../jobs/find-store.ts';
import type { Materialization } from '../feature-set/materialization.ts';
import type { ObservedFeature } from './observe.ts';

export interface ReadyFeature {
  readonly featureSet: DeepReadonly<FeatureSet>;
  readonly materialization: Materialization;
  readonly store: DeepReadonly<Store>;
  readonly select: readonly string[] | undefined;
}

export interface ReadyInputs {
  readonly rows: DeepReadonly<Store>;
  readonly output: DeepReadonly<Store>;
  readonly features: readonly ReadyFeature[];
}

export type ResolvedInputs =
  | { readonly ready: ReadyInputs; readonly problem?: undefined }
  | { readonly ready?: undefined; readonly problem: Reason };

interface Candidates {
  readonly dataset: DeepReadonly<Dataset>;
  readonly rows: FoundStore;
  readonly output: FoundStore;
  readonly features: readonly ObservedFeature[];
}

type InputCheck = (candidates: Candidates) => Reason | undefined;

/** Order matters: the first failing check is the reason that people see. */
const inputChecks: readonly InputCheck[] = [
  ({ rows }) => rows.problem, // there are no rows to join onto
  ({ output }) => output.problem, // the version could not be written
  featureSetsExist,
  keysNameEntities, // a mistake in the YAML shows before the wait for a materialisation
  selectedFeaturesExist,
  featureSetsAreMaterialised,
  ({ features }) => features.find(({ store }) => store?.problem !== undefined)?.store?.problem,
];

export function resolveInputs(candidates: Candidates): ResolvedInputs {
  for (const check of inputChecks) {
    const problem = check(candidates);
    if (problem !== undefined) return { problem };
  }
  const { rows, output } = candidates;
  const features = candidates.features.flatMap(({ featureSet, usable, store, select }) =>
    featureSet === undefined || usable?.materialization === undefined || store?.store === undefined
      ? []
      : [{ featureSet, materialization: usable.materialization, store: store.store, select }],
  );
  if (rows.store === undefined || output.store === undefined) throw new Error('the checks let a missing Store pass');
  return { ready: { rows: rows.store, output: output.store, features } };
}

function featureSetsExist({ dataset, features }: Candidates): Reason | undefined {
  const missing = features.filter(({ featureSet }) => featureSet === undefined).map(({ name }) => `"${name}"`);
  if (missing.length === 0) return undefined;
  const message = `There is no FeatureSet ${missing.join(', ')} in namespace "${dataset.metadata.namespace}". Create it, or take it out of spec.features.`;
  return { reason: 'FeatureSetNotFound', message };
}

function keysNameEntities({ dataset, features }: Candidates): Reason | undefined {
  for (const { name, featureSet } of features) {
    const missing = (featureSet?.spec.entities ?? []).filter((entity) => !dataset.spec.rows.keys.includes(entity.name));
    if (missing.length === 0) continue;
    const columns = missing.map((entity) => `"${entity.name}"`).join(', ');
    const message = `FeatureSet "${name}" is joined by ${columns}, which spec.rows.keys does not list. Add it there, and to the rows if they lack it.`;
    return { reason: 'KeyNotFound', message };
  }
  return undefined;
}

function selectedFeaturesExist({ features }: Candidates): Reason | undefined {
  for (const { name, featureSet, select = [] } of features) {
    const known = featureSet?.spec.features.map((feature) => feature.name) ?? [];
    const missing = select.filter((column) => !known.includes(column)).map((column) => `"${column}"`);
    if (missing.length === 0) continue;
    const message = `FeatureSet "${name}" has no feature ${missing.join(', ')}. It has: ${known.join(', ')}.`;
    return { reason: 'FeatureNotFound', message };
  }
  return undefined;
}

/** Reasons with which a FeatureSet only says that it is at work. */
const AT_WORK = new Set(['Materializing', 'Starting']);

function featureSetsAreMaterialised({ features }: Candidates): Reason | undefined {
  const waiting = features.flatMap(({ name, usable }) =>
    usable?.why === undefined ? [] : [{ name, why: usable.why }],
  );
  if (waiting.length === 0) return undefined;
  const stuck = waiting.find(({ why }) => !AT_WORK.has(why.reason));
  if (stuck !== undefined) {
    return {
      reason: 'FeatureSetNotReady',
      message: `FeatureSet "${stuck.name}" is not materialised: ${stuck.why.message}`,
    };
  }
  const names = waiting.map(({ name }) => `"${name}"`).join(', ');
  return { reason: 'WaitingForFeatureSets', message: `It waits until FeatureSet ${names} is materialised.` };
}
