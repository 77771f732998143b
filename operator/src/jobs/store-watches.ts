/** What wakes whatever uses a Store: the Store, and the claim behind it. */
import { watch } from '@slipway/kube';
import type { ObjectKey, Watch } from '@slipway/kube';
import { indexKey } from '../caches.ts';
import type { Caches } from '../deps.ts';

/** `usersOf` gets the Store as `namespace/name` (`indexKey`). */
export function storeWatches(
  caches: Pick<Caches, 'stores' | 'claims'>,
  usersOf: (store: string) => readonly ObjectKey[],
): Watch[] {
  return [
    watch(caches.stores, ({ metadata }) => usersOf(indexKey(metadata.namespace, metadata.name))),
    watch(caches.claims, ({ metadata }) =>
      caches.stores
        .byIndex('claim', indexKey(metadata.namespace, metadata.name))
        .flatMap((store) => usersOf(indexKey(store.metadata.namespace, store.metadata.name))),
    ),
  ];
}
