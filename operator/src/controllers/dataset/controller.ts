import { builtin, keyOf, pruneOwned, settled, watch } from '@slipway/kube';
import type { DeepReadonly, KubeObject, ObjectKey, Result, Scope } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { AddController } from '../../controller-registration.ts';
import { createOwned } from '../../create-owned.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { OperatorDeps } from '../../deps.ts';
import { jobWatches } from '../../jobs/job-watches.ts';
import { recordJobResult } from '../../jobs/observe-job.ts';
import { storeWatches } from '../../jobs/store-watches.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { publishVersion, recordName } from '../../versions/publish-version.ts';
import { observeDataset } from './observe.ts';
import type { ObservedDataset } from './observe.ts';
import { planDataset } from './plan.ts';
import { datasetStatus } from './status.ts';

const NAME = 'dataset.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** Follows a recipe: waits for the FeatureSets, has a Job join them, and records the result as a DatasetVersion, which stays. */
export const addDatasetController: AddController = (manager, deps) => {
  const { caches } = deps;
  const ofStore = (key: string) => [
    ...caches.datasets.byIndex('store', key).map(keyOf),
    ...caches.featureSets.byIndex('store', key).flatMap((featureSet) => ofFeatureSet(deps, featureSet)),
  ];
  addKindController(manager, deps, {
    name: NAME,
    kind: kinds.Dataset,
    cache: caches.datasets,
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
      ...storeWatches(caches, ofStore),
    ],
    observe: (dataset) => observeDataset(deps, dataset),
    drive: (observed, scope) => driveDataset(deps, observed, scope),
    status: datasetStatus,
  });
};

function ofFeatureSet(deps: OperatorDeps, { metadata }: DeepReadonly<KubeObject>): readonly ObjectKey[] {
  return datasetsOf(deps, indexKey(metadata.namespace, metadata.name));
}

function datasetsOf({ caches }: OperatorDeps, featureSet: string): readonly ObjectKey[] {
  return caches.datasets.byIndex('featureSet', featureSet).map(keyOf);
}

async function driveDataset(deps: OperatorDeps, observed: ObservedDataset, scope: Scope): Promise<Result> {
  const { dataset, current } = observed;
  const owned = { client: deps.client, owner: { kind: kinds.Dataset, object: dataset }, fieldManager: FIELD_MANAGER };
  const plan = planDataset(observed, deps.config);
  if (plan.create !== undefined) await createOwned(owned, { kind: builtin.Job, object: plan.create }, scope);
  const isNew = await recordJobResult(deps, current, FIELD_MANAGER, scope);
  // The write above woke this key again; the marks of a version go onto a Job that has its result.
  if (plan.publish !== undefined && !isNew) {
    const { name, created } = await publishVersion(owned, plan.publish, scope);
    const message = `DatasetVersion ${name} was made.`;
    const note = { type: 'Normal', reason: 'DatasetVersionCreated', message, action: 'Publishing' } as const;
    if (created) deps.events.record(dataset, note);
  }
  if (plan.unnamed !== undefined) await recordName(owned, plan.unnamed.job, plan.unnamed.version, scope);
  await pruneOwned(owned, plan.prune, () => false, scope);
  return settled();
}
