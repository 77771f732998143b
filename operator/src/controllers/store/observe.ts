import type { Store } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Caches } from '../../deps.ts';
import { parseStoreUri } from '../../jobs/store-mount.ts';
import type { ObservedStore } from './checks.ts';

export function observeStore(caches: Pick<Caches, 'claims'>, store: DeepReadonly<Store>): ObservedStore {
  const name = parseStoreUri(store.spec.uri)?.claim;
  const namespace = store.metadata.namespace ?? '';
  return { store, claim: name === undefined ? undefined : caches.claims.get({ namespace, name }) };
}
