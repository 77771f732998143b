import { keyOf, pruneOwned, requeueAfter, settled, toOperatorError, watch, writeStatus } from '@slipway/kube';
import type { ObjectKey, OperatorError, Result, Scope } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { recordReadyChange } from '../../condition-events.ts';
import type { AddController } from '../../controller-registration.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { OperatorDeps } from '../../deps.ts';
import { createOwnedJob, NAME_TAKEN_POLL_MS } from '../../jobs/create-owned-job.ts';
import { jobWatches } from '../../jobs/job-watches.ts';
import { recordJobResult } from '../../jobs/observe-job.ts';
import { kinds } from '../../kinds.ts';
import { observeFeatureSet } from './observe.ts';
import type { ObservedFeatureSet } from './observe.ts';
import { planFeatureSet } from './plan.ts';
import { featureSetStatus } from './status.ts';

const NAME = 'feature-set.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** Has the features of a definition computed by a Job into an immutable folder of the Store. */
export const addFeatureSetController: AddController = (manager, deps) => {
  const { caches } = deps;
  const ofStore = (key: string) => caches.featureSets.byIndex('store', key).map(keyOf);
  manager.addController({
    name: NAME,
    for: caches.featureSets,
    watches: [
      ...jobWatches(caches, kinds.FeatureSet),
      watch(caches.stores, ({ metadata }) => ofStore(indexKey(metadata.namespace, metadata.name))),
      watch(caches.claims, ({ metadata }) =>
        caches.stores
          .byIndex('claim', indexKey(metadata.namespace, metadata.name))
          .flatMap((store) => ofStore(indexKey(store.metadata.namespace, store.metadata.name))),
      ),
    ],
    reconcile: (key, scope) => reconcileFeatureSet(deps, key, scope),
  });
};

async function reconcileFeatureSet(deps: OperatorDeps, key: ObjectKey, scope: Scope): Promise<Result> {
  const featureSet = deps.caches.featureSets.get(key);
  // What it owns is collected by Kubernetes; the features in the Store stay.
  if (featureSet === undefined || featureSet.metadata.deletionTimestamp !== undefined) return settled();
  const observed = observeFeatureSet(deps.caches, featureSet);
  const error = await drive(deps, observed, scope);
  const status = featureSetStatus(observed, { now: deps.clock.now(), error });
  if (status !== undefined) {
    const statusDeps = { client: deps.client, kind: kinds.FeatureSet, fieldManager: FIELD_MANAGER };
    const wrote = await writeStatus(statusDeps, featureSet, status, scope);
    if (wrote) recordReadyChange(deps.events, featureSet, status.conditions);
  }
  if (error?.reason === 'NameTaken') return requeueAfter(NAME_TAKEN_POLL_MS, 'a name of a child is taken');
  if (error !== undefined) throw error;
  return settled();
}

/** Never throws: an error goes into the status first. */
async function drive(
  deps: OperatorDeps,
  observed: ObservedFeatureSet,
  scope: Scope,
): Promise<OperatorError | undefined> {
  const owner = { kind: kinds.FeatureSet, object: observed.featureSet };
  const owned = { client: deps.client, owner, fieldManager: FIELD_MANAGER };
  try {
    const plan = planFeatureSet(observed, deps.config);
    if (plan.create !== undefined) await createOwnedJob(owned, plan.create, scope);
    await recordJobResult(deps, observed.current, FIELD_MANAGER, scope);
    await pruneOwned(owned, plan.prune, () => false, scope);
    return undefined;
  } catch (cause) {
    return toOperatorError(cause);
  }
}
