import { keyOf, pruneOwned, requeueAfter, settled, toOperatorError, watch, writeStatus } from '@slipway/kube';
import type { DeepReadonly, KubeObject, ObjectKey, OperatorError, Result, Scope } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { recordReadyChange } from '../../condition-events.ts';
import type { AddController } from '../../controller-registration.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { OperatorDeps } from '../../deps.ts';
import { createOwnedJob, NAME_TAKEN_POLL_MS } from '../../jobs/create-owned-job.ts';
import { jobWatches } from '../../jobs/job-watches.ts';
import { recordJobResult } from '../../jobs/observe-job.ts';
import { kinds } from '../../kinds.ts';
import { publishVersion } from '../../versions/publish-version.ts';
import { observeDataset } from './observe.ts';
import type { ObservedDataset } from './observe.ts';
import { planDataset } from './plan.ts';
import { datasetStatus } from './status.ts';

const NAME = 'dataset.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** Follows a recipe: waits for the FeatureSets, has a Job join them, and records the result as a DatasetVersion. */
export const addDatasetController: AddController = (manager, deps) => {
  const { caches } = deps;
  const ofStore = (key: string) => [
    ...caches.datasets.byIndex('store', key).map(keyOf),
    ...caches.featureSets.byIndex('store', key).flatMap((featureSet) => ofFeatureSet(deps, featureSet)),
  ];
  manager.addController({
    name: NAME,
    for: caches.datasets,
    watches: [
      ...jobWatches(caches, kinds.Dataset),
      watch(caches.datasetVersions, ({ metadata: { namespace = '' }, spec }) => [
        { namespace, name: spec.dataset.name },
      ]),
      watch(caches.featureSets, (featureSet) => ofFeatureSet(deps, featureSet)),
      // What a FeatureSet has made is read from its Jobs, and they may arrive after its status.
      watch(caches.jobs, ({ metadata }) => {
        const name = metadata.labels?.['slipway.dev/featureset'];
        return name === undefined ? [] : datasetsOf(deps, indexKey(metadata.namespace, name));
      }),
      watch(caches.stores, ({ metadata }) => ofStore(indexKey(metadata.namespace, metadata.name))),
      watch(caches.claims, ({ metadata }) =>
        caches.stores
          .byIndex('claim', indexKey(metadata.namespace, metadata.name))
          .flatMap((store) => ofStore(indexKey(store.metadata.namespace, store.metadata.name))),
      ),
    ],
    reconcile: (key, scope) => reconcileDataset(deps, key, scope),
  });
};

function ofFeatureSet(deps: OperatorDeps, { metadata }: DeepReadonly<KubeObject>): readonly ObjectKey[] {
  return datasetsOf(deps, indexKey(metadata.namespace, metadata.name));
}

function datasetsOf({ caches }: OperatorDeps, featureSet: string): readonly ObjectKey[] {
  return caches.datasets.byIndex('featureSet', featureSet).map(keyOf);
}

async function reconcileDataset(deps: OperatorDeps, key: ObjectKey, scope: Scope): Promise<Result> {
  const dataset = deps.caches.datasets.get(key);
  // What it owns is collected by Kubernetes; its versions stay.
  if (dataset === undefined || dataset.metadata.deletionTimestamp !== undefined) return settled();
  const observed = await observeDataset(deps, dataset);
  const error = await drive(deps, observed, scope);
  const status = datasetStatus(observed, { now: deps.clock.now(), error });
  if (status !== undefined) {
    const statusDeps = { client: deps.client, kind: kinds.Dataset, fieldManager: FIELD_MANAGER };
    const wrote = await writeStatus(statusDeps, dataset, status, scope);
    if (wrote) recordReadyChange(deps.events, dataset, status.conditions);
  }
  if (error?.reason === 'NameTaken') return requeueAfter(NAME_TAKEN_POLL_MS, 'a name of a child is taken');
  if (error !== undefined) throw error;
  return settled();
}

/** Never throws: an error goes into the status first. */
async function drive(deps: OperatorDeps, observed: ObservedDataset, scope: Scope): Promise<OperatorError | undefined> {
  const { dataset, current } = observed;
  const owned = { client: deps.client, owner: { kind: kinds.Dataset, object: dataset }, fieldManager: FIELD_MANAGER };
  try {
    const plan = planDataset(observed, deps.config);
    if (plan.create !== undefined) await createOwnedJob(owned, plan.create, scope);
    const isNew = await recordJobResult(deps, current, FIELD_MANAGER, scope);
    // The write above woke this key again; the marks of a version go onto a Job that has its result.
    if (plan.publish !== undefined && !isNew) {
      const { name, created } = await publishVersion(owned, plan.publish, scope);
      const message = `DatasetVersion ${name} was made.`;
      const note = { type: 'Normal', reason: 'DatasetVersionCreated', message, action: 'Publishing' } as const;
      if (created) deps.events.record(dataset, note);
    }
    await pruneOwned(owned, plan.prune, () => false, scope);
    return undefined;
  } catch (cause) {
    return toOperatorError(cause);
  }
}
