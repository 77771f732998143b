import { keyOf, settled, watch, writeStatus } from '@slipway/kube';
import type { ObjectKey, Result, Scope } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { recordReadyChange } from '../../condition-events.ts';
import type { AddController } from '../../controller-registration.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { OperatorDeps } from '../../deps.ts';
import { kinds } from '../../kinds.ts';
import { observeModel } from './observe.ts';
import { modelStatus } from './status.ts';

const NAME = 'model.lifecycle';

/** Says which versions a Model has, and whether new ones can be published. It makes nothing: a Model is a name. */
export const addModelController: AddController = (manager, deps) => {
  const { caches } = deps;
  const ofStore = (key: string) => caches.models.byIndex('store', key).map(keyOf);
  manager.addController({
    name: NAME,
    for: caches.models,
    watches: [
      watch(caches.modelVersions, ({ metadata: { namespace = '' }, spec: { model } }) =>
        model === undefined ? [] : [{ namespace, name: model.name }],
      ),
      watch(caches.stores, ({ metadata }) => ofStore(indexKey(metadata.namespace, metadata.name))),
      watch(caches.claims, ({ metadata }) =>
        caches.stores
          .byIndex('claim', indexKey(metadata.namespace, metadata.name))
          .flatMap((store) => ofStore(indexKey(store.metadata.namespace, store.metadata.name))),
      ),
    ],
    reconcile: (key, scope) => reconcileModel(deps, key, scope),
  });
};

async function reconcileModel(deps: OperatorDeps, key: ObjectKey, scope: Scope): Promise<Result> {
  const model = deps.caches.models.get(key);
  if (model === undefined || model.metadata.deletionTimestamp !== undefined) return settled();
  const status = modelStatus(observeModel(deps.caches, model), deps.clock.now());
  const statusDeps = { client: deps.client, kind: kinds.Model, fieldManager: fieldManagerOf(NAME) };
  const wrote = await writeStatus(statusDeps, model, status, scope);
  if (wrote) recordReadyChange(deps.events, model, status.conditions);
  return settled();
}
