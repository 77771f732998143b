import { keyOf, settled, watch, writeStatus } from '@slipway/kube';
import type { ObjectKey, Result, Scope } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { AddController } from '../../controller-registration.ts';
import { recordReadyChange } from '../../condition-events.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { OperatorDeps } from '../../deps.ts';
import { kinds } from '../../kinds.ts';
import { observeStore } from './observe.ts';
import { storeStatus } from './status.ts';

const NAME = 'store.lifecycle';

/** Says in a Store's status whether pods can use it. It makes nothing, so there is nothing to plan or to clean up. */
export const addStoreController: AddController = (manager, deps) => {
  const { caches } = deps;
  manager.addController({
    name: NAME,
    for: caches.stores,
    watches: [
      watch(caches.claims, ({ metadata }) =>
        caches.stores.byIndex('claim', indexKey(metadata.namespace, metadata.name)).map(keyOf),
      ),
    ],
    reconcile: (key, scope) => reconcileStore(deps, key, scope),
  });
};

async function reconcileStore(deps: OperatorDeps, key: ObjectKey, scope: Scope): Promise<Result> {
  const store = deps.caches.stores.get(key);
  if (store === undefined || store.metadata.deletionTimestamp !== undefined) return settled();
  const status = storeStatus(observeStore(deps.caches, store), deps.clock.now());
  const fieldManager = fieldManagerOf(NAME);
  const wrote = await writeStatus({ client: deps.client, kind: kinds.Store, fieldManager }, store, status, scope);
  if (wrote) recordReadyChange(deps.events, store, status.conditions);
  return settled();
}
