/** What wakes the versions of a Model besides themselves: what their evaluation reads, and what their gates are. */
import { keyOf, toController, watch } from '@slipway/kube';
import type { DeepReadonly, KubeObject, ObjectKey, Watch } from '@slipway/kube';
import { indexKey } from '../../../caches.ts';
import type { Caches } from '../../../deps.ts';
import { storeWatches } from '../../../jobs/store-watches.ts';
import { kinds } from '../../../kinds.ts';

export function evaluationWatches(caches: Caches): Watch[] {
  const ofModel = (namespace: string | undefined, name: string): readonly ObjectKey[] =>
    caches.modelVersions.byIndex('model', indexKey(namespace, name)).map(keyOf);
  const ofModels = (models: readonly DeepReadonly<KubeObject>[]): readonly ObjectKey[] =>
    models.flatMap(({ metadata }) => ofModel(metadata.namespace, metadata.name));
  const ofDataset = (namespace: string | undefined, name: string): readonly ObjectKey[] =>
    ofModels(caches.models.byIndex('dataset', indexKey(namespace, name)));
  return [
    watch(caches.models, ({ metadata }) => ofModel(metadata.namespace, metadata.name)),
    watch(caches.modelAliases, ({ metadata, spec }) => ofModel(metadata.namespace, spec.model.name)),
    watch(caches.datasets, ({ metadata }) => ofDataset(metadata.namespace, metadata.name)),
    watch(caches.datasetVersions, ({ metadata, spec }) => ofDataset(metadata.namespace, spec.dataset.name)),
    watch(caches.controllerRevisions, toController(kinds.ModelVersion)),
    ...storeWatches(caches, (store) => [
      ...ofModels(caches.models.byIndex('store', store)),
      ...caches.datasets
        .byIndex('store', store)
        .flatMap(({ metadata }) => ofDataset(metadata.namespace, metadata.name)),
    ]),
  ];
}
