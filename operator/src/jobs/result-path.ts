import type { Store } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { pathFromStore } from './store-mount.ts';

/**
 * The path inside a Store of a `path` in a result of batch-runtime, which counts from the root of the volume.
 *
 * @throws Error when it lies outside of the Store.
 */
export function resultPath(store: DeepReadonly<Store>, path: string): string {
  const inStore = pathFromStore(store, `/stores/${store.metadata.name}/${path.replace(/^\/+/, '')}`);
  if (inStore === undefined)
    throw new Error(`The result lies at ${path}, which is not in Store ${store.metadata.name}`);
  return inStore;
}
