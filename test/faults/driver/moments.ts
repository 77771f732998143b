/** A run as it was stored, one change after the other. Pure. */
import type { Json } from './api.ts';
import type { Change } from './observer.ts';

/** What there is after one change; valid until the next moment is taken. */
export interface Moment {
  /** Where it is gone: as it was last. */
  readonly changed: Json;
  readonly isGone: boolean;
  /** The object before the change; undefined where it was made. */
  readonly before: Json | undefined;
  get(kind: string, name: string): Json | undefined;
  objects(): readonly Json[];
}

/**
 * The moments of the changes from this place on. Watches of different kinds tell when they like; but all kinds lie in one etcd,
 * so that versions say what came first.
 */
export function* momentsOf(changes: readonly Change[], from = 0): Generator<Moment> {
  const live = new Map<string, Json>();
  const inOrder = changes
    .map((change, index) => ({ ...change, index, version: BigInt(change.object.metadata.resourceVersion ?? 0) }))
    .sort((a, b) => (a.version < b.version ? -1 : Number(a.version > b.version)));
  for (const { object, isGone, index } of inOrder) {
    const key = `${object.kind}/${object.metadata.name}`;
    const before = live.get(key);
    if (isGone) live.delete(key);
    else live.set(key, object);
    if (index < from) continue;
    yield {
      changed: object,
      isGone,
      before,
      get: (kind, name) => live.get(`${kind}/${name}`),
      objects: () => [...live.values()],
    };
  }
}
