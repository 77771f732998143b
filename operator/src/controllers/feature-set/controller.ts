import { builtin, keyOf, pruneOwned, settled } from '@slipway/kube';
import type { Result, Scope } from '@slipway/kube';
import type { AddController } from '../../controller-registration.ts';
import { createOwned } from '../../create-owned.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { OperatorDeps } from '../../deps.ts';
import { jobWatches } from '../../jobs/job-watches.ts';
import { recordJobResult } from '../../jobs/observe-job.ts';
import { storeWatches } from '../../jobs/store-watches.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { observeFeatureSet } from './observe.ts';
import type { ObservedFeatureSet } from './observe.ts';
import { planFeatureSet } from './plan.ts';
import { featureSetStatus } from './status.ts';

const NAME = 'feature-set.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** Has the features of a definition computed by a Job into an immutable folder of the Store, where they stay. */
export const addFeatureSetController: AddController = (manager, deps) => {
  const { caches } = deps;
  addKindController(manager, deps, {
    name: NAME,
    kind: kinds.FeatureSet,
    cache: caches.featureSets,
    watches: [
      ...jobWatches(caches, kinds.FeatureSet),
      ...storeWatches(caches, (store) => caches.featureSets.byIndex('store', store).map(keyOf)),
    ],
    observe: (featureSet) => observeFeatureSet(caches, featureSet),
    drive: (observed, scope) => driveFeatureSet(deps, observed, scope),
    status: featureSetStatus,
  });
};

async function driveFeatureSet(deps: OperatorDeps, observed: ObservedFeatureSet, scope: Scope): Promise<Result> {
  const owner = { kind: kinds.FeatureSet, object: observed.featureSet };
  const owned = { client: deps.client, owner, fieldManager: FIELD_MANAGER };
  const plan = planFeatureSet(observed, deps.config);
  if (plan.create !== undefined) await createOwned(owned, { kind: builtin.Job, object: plan.create }, scope);
  await recordJobResult(deps, observed.current, FIELD_MANAGER, scope);
  await pruneOwned(owned, plan.prune, () => false, scope);
  return settled();
}
