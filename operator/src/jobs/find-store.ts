import type { Store } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Reason } from '../conditions.ts';
import { storeProblem } from '../controllers/store/checks.ts';
import { observeStore } from '../controllers/store/observe.ts';
import type { Caches } from '../deps.ts';

export type FoundStore =
  | { readonly store: DeepReadonly<Store>; readonly problem?: undefined }
  | { readonly store?: undefined; readonly problem: Reason };

/**
 * The Store that `name` means, if pods can use it as `access` asks. Problems: StoreNotFound, StoreNotReady (with the
 * Store's own words), StoreReadOnly. Judged from the Store and its claim, never from a status.
 */
export function findStore(
  caches: Pick<Caches, 'stores' | 'claims'>,
  wanted: { readonly namespace: string; readonly name: string; readonly access: 'read' | 'write' },
): FoundStore {
  const { namespace, name, access } = wanted;
  const store = caches.stores.get({ namespace, name });
  if (store === undefined) {
    const message = `There is no Store "${name}" in namespace "${namespace}". Create it, or name another one.`;
    return { problem: { reason: 'StoreNotFound', message } };
  }
  const problem = storeProblem(observeStore(caches, store));
  if (problem !== undefined) {
    return { problem: { reason: 'StoreNotReady', message: `Store "${name}" cannot be used: ${problem.message}` } };
  }
  if (access === 'write' && store.spec.access === 'ReadOnly') {
    const message = `Store "${name}" is ReadOnly, and something has to be written to it. Name a Store with access: ReadWrite.`;
    return { problem: { reason: 'StoreReadOnly', message } };
  }
  return { store };
}
