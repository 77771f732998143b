/** Watches everything that runs consist of, straight from the API server, and remembers every object that ever was. */
import type { Api, Json, Resource } from './api.ts';
import { pathOf } from './api.ts';
import { OBSERVED_RESOURCES } from './observed-resources.ts';

export interface Change {
  readonly atMs: number;
  /** For example `Deployment flights-1 MODIFIED`. */
  readonly what: string;
  /** As it was stored; of one that is gone, as it was last. */
  readonly object: Json;
  readonly isGone: boolean;
}

export interface Observer {
  /** What there is now in a namespace. */
  objects(namespace: string): readonly Json[];
  get(namespace: string, kind: string, name: string): Json | undefined;
  /** Everything that ever was in it, gone or not; one entry a uid, as it was first seen. */
  history(namespace: string): readonly Json[];
  /** Each version of each object that was stored, oldest first. */
  changes(namespace: string): readonly Change[];
  /** A run is over: thousands of them would fill the memory. What still comes from it is not kept. */
  forget(namespace: string): void;
  close(): void;
}

/** Made of cluster-wide watches that live as long as the control plane. */
export async function startObserver(api: Api, now: () => number): Promise<Observer> {
  const namespaces = new Map<string, NamespaceRecord>();
  const forgotten = new Set<string>();
  let closed = false;

  function observe(kind: string, { type, object }: { type: string; object: Json }): void {
    if (type === 'BOOKMARK') return;
    if (type === 'ERROR') throw new Error(`the oracle's own watch of ${kind} failed: ${JSON.stringify(object)}`);
    const { namespace = '' } = object.metadata;
    if (forgotten.has(namespace)) return;
    const record = recordOf(namespaces, namespace);
    const typed = { ...object, kind };
    const key = `${kind}/${object.metadata.name}`;
    const { resourceVersion } = record.live.get(key)?.metadata ?? {};
    if (type !== 'DELETED' && resourceVersion === object.metadata.resourceVersion) return;
    const isGone = type === 'DELETED';
    if (isGone) record.live.delete(key);
    else record.live.set(key, typed);
    const uid = object.metadata.uid ?? '';
    if (!record.history.has(uid)) record.history.set(uid, typed);
    record.changes.push({ atMs: now(), what: `${kind} ${object.metadata.name} ${type}`, object: typed, isGone });
  }

  /** Goes on from the last version where a watch ends, as each does in time. */
  function follow(resource: Resource, from: bigint): Promise<void> {
    let seen = from;
    let isExpired = false;
    const since = seen === 0n ? '' : `&resourceVersion=${seen}`;
    return api.watch(
      `${pathOf(resource)}?watch=true&allowWatchBookmarks=true&timeoutSeconds=7200${since}`,
      (event) => {
        isExpired = isExpiry(event);
        if (isExpired) return;
        const version = BigInt(event.object.metadata.resourceVersion ?? 0);
        if (version > seen) seen = version;
        observe(resource.kind, event);
      },
      () => {
        if (!closed) void (isExpired ? followAgain(resource) : follow(resource, seen));
      },
    );
  }

  /** A kind whose definition changed knows no versions from before. */
  async function followAgain(resource: Resource): Promise<void> {
    const { body } = await api.request('GET', pathOf(resource));
    const { items, metadata } = body as { items: Json[]; metadata: { resourceVersion: string } };
    const listed = new Set(items.map((object) => object.metadata.uid));
    const gone = [...namespaces.values()]
      .flatMap(({ live }) => [...live.values()])
      .filter((object) => object.kind === resource.kind && !listed.has(object.metadata.uid));
    for (const object of gone) observe(resource.kind, { type: 'DELETED', object });
    for (const object of items) observe(resource.kind, { type: 'MODIFIED', object });
    await follow(resource, BigInt(metadata.resourceVersion));
  }

  for (const resource of OBSERVED_RESOURCES) await follow(resource, 0n);
  return {
    objects: (namespace) => [...recordOf(namespaces, namespace).live.values()],
    get: (namespace, kind, name) => recordOf(namespaces, namespace).live.get(`${kind}/${name}`),
    history: (namespace) => [...recordOf(namespaces, namespace).history.values()],
    changes: (namespace) => recordOf(namespaces, namespace).changes,
    forget(namespace) {
      namespaces.delete(namespace);
      forgotten.add(namespace);
    },
    close() {
      closed = true;
    },
  };
}

function isExpiry({ type, object }: { readonly type: string; readonly object: object }): boolean {
  return type === 'ERROR' && (object as { code?: number }).code === 410;
}

interface NamespaceRecord {
  readonly live: Map<string, Json>;
  readonly history: Map<string, Json>;
  readonly changes: Change[];
}

function recordOf(namespaces: Map<string, NamespaceRecord>, name: string): NamespaceRecord {
  const found = namespaces.get(name) ?? { live: new Map(), history: new Map(), changes: [] };
  namespaces.set(name, found);
  return found;
}
