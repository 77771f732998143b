import { keyOf, watch } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { AddController } from '../../controller-registration.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { observeStore } from './observe.ts';
import { storeStatus } from './status.ts';

/** Says in a Store's status whether pods can use it. It makes nothing, so there is nothing to plan or to clean up. */
export const addStoreController: AddController = (manager, deps) => {
  const { caches } = deps;
  addKindController(manager, deps, {
    name: 'store.lifecycle',
    kind: kinds.Store,
    cache: caches.stores,
    watches: [
      watch(caches.claims, ({ metadata }) =>
        caches.stores.byIndex('claim', indexKey(metadata.namespace, metadata.name)).map(keyOf),
      ),
    ],
    observe: (store) => observeStore(caches, store),
    status: (observed, { now }) => storeStatus(observed, now),
  });
};
