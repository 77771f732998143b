import type { Model, ModelVersion } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { Caches } from '../../deps.ts';
import { findStore } from '../../jobs/find-store.ts';
import type { FoundStore } from '../../jobs/find-store.ts';
import { isHeldVersion, surplusVersions } from './retention.ts';
import type { HoldingCaches } from './retention.ts';

export interface ObservedModel {
  readonly model: DeepReadonly<Model>;
  /** Where versions are published. */
  readonly store: FoundStore;
  readonly versions: readonly DeepReadonly<ModelVersion>[];
  /** Those that its retention does not keep. */
  readonly surplus: readonly DeepReadonly<ModelVersion>[];
}

export function observeModel(
  caches: Pick<Caches, 'stores' | 'claims' | 'modelVersions'> & HoldingCaches,
  model: DeepReadonly<Model>,
): ObservedModel {
  const { namespace = '', name } = model.metadata;
  const versions = caches.modelVersions.byIndex('model', indexKey(namespace, name));
  return {
    model,
    store: findStore(caches, { namespace, name: model.spec.store.name, access: 'write' }),
    versions,
    surplus: surplusVersions(model, versions, (version) => isHeldVersion(caches, version)),
  };
}
