/** A Store as volumes, mounts and paths of a container. The root of its claim is mounted at `/stores/<name of the Store>`. */
import type { Store } from '@slipway/crds';
import type { DeepReadonly, Pod } from '@slipway/kube';

type PodSpec = NonNullable<Pod['spec']>;
export type Volume = NonNullable<PodSpec['volumes']>[number];
export type VolumeMount = NonNullable<PodSpec['containers'][number]['volumeMounts']>[number];

export interface StoreUse {
  readonly store: DeepReadonly<Store>;
  readonly access: 'read' | 'write';
}

/** `pvc://claim/path`: the claim's name and the path inside the volume, without slashes at its ends ("" for the root). */
export interface StoreLocation {
  readonly claim: string;
  readonly path: string;
}

/** undefined for anything that is not `pvc://CLAIM[/PATH]`; the CRD refuses those. */
export function parseStoreUri(uri: string): StoreLocation | undefined {
  const match = /^pvc:\/\/([^/]+)(?:\/(.*))?$/.exec(uri);
  if (match?.[1] === undefined) return undefined;
  return { claim: match[1], path: cleanPath(match[2] ?? '') };
}

/** The absolute path in a container of `path` inside a Store: `/stores/<name>/<path of the uri>/<path>`. */
export function pathInStore(store: DeepReadonly<Store>, path: string): string {
  return ['', 'stores', store.metadata.name, location(store).path, cleanPath(path)]
    .filter((part, index) => index === 0 || part !== '')
    .join('/');
}

/** Turns an absolute path below the mount back into one inside the Store; undefined for a path that is not in it. */
export function pathFromStore(store: DeepReadonly<Store>, absolute: string): string | undefined {
  const root = pathInStore(store, '');
  return absolute.startsWith(`${root}/`) ? absolute.slice(root.length + 1) : undefined;
}

/**
 * Volumes and mounts for some Stores; a Store that is named twice is mounted once, writable if any use writes.
 * Two Stores on one claim share its volume, because a pod may not list one claim as read-only and as writable.
 */
export function storeMounts(uses: readonly StoreUse[]): { volumes: Volume[]; mounts: VolumeMount[] } {
  const byStore = new Map<string, StoreUse>();
  for (const use of uses) {
    const before = byStore.get(use.store.metadata.name);
    if (before === undefined || use.access === 'write') byStore.set(use.store.metadata.name, use);
  }
  const volumes = new Map<string, Volume>();
  const mounts: VolumeMount[] = [];
  for (const [name, { store, access }] of [...byStore].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const { claim } = location(store);
    const volume = volumes.get(claim) ?? {
      name: `store-${volumes.size}`,
      persistentVolumeClaim: { claimName: claim },
    };
    volumes.set(claim, volume);
    mounts.push({ name: volume.name, mountPath: `/stores/${name}`, ...(access === 'read' ? { readOnly: true } : {}) });
  }
  return { volumes: [...volumes.values()], mounts };
}

function location(store: DeepReadonly<Store>): StoreLocation {
  const parsed = parseStoreUri(store.spec.uri);
  // The API server's rule on spec.uri lets nothing else in.
  if (parsed === undefined) throw new Error(`Store ${store.metadata.name}: ${store.spec.uri} is not pvc://CLAIM/PATH`);
  return parsed;
}

function cleanPath(path: string): string {
  return path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');
}
