import type { Model, ModelVersion } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { Caches } from '../../deps.ts';
import { findStore } from '../../jobs/find-store.ts';
import type { FoundStore } from '../../jobs/find-store.ts';

export interface ObservedModel {
  readonly model: DeepReadonly<Model>;
  /** Where versions are published. */
  readonly store: FoundStore;
  readonly versions: readonly DeepReadonly<ModelVersion>[];
}

export function observeModel(
  caches: Pick<Caches, 'stores' | 'claims' | 'modelVersions'>,
  model: DeepReadonly<Model>,
): ObservedModel {
  const { namespace = '', name } = model.metadata;
  return {
    model,
    store: findStore(caches, { namespace, name: model.spec.store.name, access: 'write' }),
    versions: caches.modelVersions.byIndex('model', indexKey(namespace, name)),
  };
}
