import { compareResourceVersions } from './resource-version.ts';
import { type DeepReadonly, keyOf, keyToString, type KubeObject, type ObjectKey } from './types.ts';

/** What controllers read: the objects of one kind as last seen. Treat them as frozen. */
export interface Cache<T extends KubeObject> {
  get(key: ObjectKey): DeepReadonly<T> | undefined;
  list(namespace?: string): readonly DeepReadonly<T>[];
  /** The objects for which the index function of that name returned the value; throws for an unknown index name. */
  byIndex(index: string, value: string): readonly DeepReadonly<T>[];
  /** True once the first complete list is in. */
  hasSynced(): boolean;
}

/** The values under which an object is found; empty means not at all. */
export type IndexFunctions<T extends KubeObject> = Readonly<
  Record<string, (object: DeepReadonly<T>) => readonly string[]>
>;

/** What happened to one object: created when `old` is missing, deleted when `new` is. A recreated object is two changes. */
export type Change<T extends KubeObject> =
  | { readonly old: undefined; readonly new: DeepReadonly<T> }
  | { readonly old: DeepReadonly<T>; readonly new: DeepReadonly<T> | undefined };

/** The writing side of a cache. Every method returns what it changed, in order; an empty list means nothing. */
export interface Store<T extends KubeObject> extends Omit<Cache<T>, 'hasSynced'> {
  /**
   * Makes the objects of the namespace (default: of all) exactly these, but for what is newer than the list's `version`.
   * Older versions of an object only count with `believe`.
   */
  replace(
    objects: readonly T[],
    options?: { readonly namespace?: string; readonly version?: string; readonly believe?: boolean },
  ): readonly Change<T>[];
  /** Stores the object unless it holds a newer version of the same uid. */
  upsert(object: T): readonly Change<T>[];
  /** Removes the object, unless its namesake with another uid took its place. */
  remove(object: T): readonly Change<T>[];
  addIndexes(indexes: IndexFunctions<T>): void;
}

export interface StoreOptions<T extends KubeObject> {
  readonly indexes?: IndexFunctions<T>;
  /** Freeze objects deeply, so that code that edits a cached object throws instead of corrupting the cache. Default true. */
  readonly freeze?: boolean;
}

export function createStore<T extends KubeObject>(options: StoreOptions<T> = {}): Store<T> {
  type Stored = DeepReadonly<T>;
  const objects = new Map<string, Stored>();
  const indexes = new Map<string, Index<Stored>>();
  addIndexes(options.indexes ?? {});

  function addIndexes(added: IndexFunctions<T>): void {
    for (const [name, valuesOf] of Object.entries(added)) {
      if (indexes.get(name)?.valuesOf === valuesOf) continue;
      if (indexes.has(name)) throw new Error(`There is already another index "${name}" on this cache`);
      const index = createIndex<Stored>(valuesOf);
      for (const [key, object] of objects) index.add(key, object);
      indexes.set(name, index);
    }
  }

  function set(key: string, object: T): Stored {
    // managedFields are often half of an object, and nobody here reads them.
    delete (object.metadata as { managedFields?: unknown }).managedFields;
    const stored = (options.freeze === false ? object : deepFreeze(object)) as Stored;
    unset(key);
    objects.set(key, stored);
    for (const index of indexes.values()) index.add(key, stored);
    return stored;
  }

  function unset(key: string): void {
    const old = objects.get(key);
    if (old === undefined) return;
    objects.delete(key);
    for (const index of indexes.values()) index.remove(key, old);
  }

  function upsert(object: T, believe = false): readonly Change<T>[] {
    const key = keyToString(keyOf(object));
    const old = objects.get(key);
    if (old === undefined) return [{ old, new: set(key, object) }];
    const order = believe ? 0 : compareResourceVersions(object.metadata.resourceVersion, old.metadata.resourceVersion);
    if (object.metadata.uid !== old.metadata.uid) {
      // Resource versions rise over all objects of a kind, so an older one is the ghost of a deleted namesake.
      if (order < 0) return [];
      const created = set(key, object);
      return [
        { old, new: undefined },
        { old: undefined, new: created },
      ];
    }
    if (order < 0 || object.metadata.resourceVersion === old.metadata.resourceVersion) return [];
    return [{ old, new: set(key, object) }];
  }

  function removeKey(key: string): readonly Change<T>[] {
    const old = objects.get(key);
    if (old === undefined) return [];
    unset(key);
    return [{ old, new: undefined }];
  }

  function lookup(keys: Iterable<string>): readonly Stored[] {
    return [...keys].map((key) => objects.get(key)).filter((object) => object !== undefined);
  }

  return {
    get: (key) => objects.get(keyToString(key)),
    list: (namespace) =>
      [...objects.values()].filter((object) => namespace === undefined || object.metadata.namespace === namespace),
    byIndex(name, value) {
      const index = indexes.get(name);
      if (index === undefined)
        throw new Error(`No index "${name}"; there are: ${[...indexes.keys()].join(', ') || 'none'}`);
      return lookup(index.keys(value));
    },
    replace(list, { namespace, version, believe = false } = {}) {
      const listed = new Set(list.map((object) => keyToString(keyOf(object))));
      const isGone = ({ metadata }: Stored) =>
        (namespace === undefined || metadata.namespace === namespace) &&
        (believe || compareResourceVersions(metadata.resourceVersion, version) <= 0);
      const gone = [...objects].filter(([key, object]) => !listed.has(key) && isGone(object)).map(([key]) => key);
      return [...gone.flatMap(removeKey), ...list.flatMap((object) => upsert(object, believe))];
    },
    upsert: (object) => upsert(object),
    remove(object) {
      const key = keyToString(keyOf(object));
      return objects.get(key)?.metadata.uid === object.metadata.uid ? removeKey(key) : [];
    },
    addIndexes,
  };
}

interface Index<S> {
  readonly valuesOf: (object: S) => readonly string[];
  add(key: string, object: S): void;
  remove(key: string, object: S): void;
  keys(value: string): Iterable<string>;
}

function createIndex<S>(valuesOf: (object: S) => readonly string[]): Index<S> {
  const keysByValue = new Map<string, Set<string>>();
  return {
    valuesOf,
    add(key, object) {
      for (const value of valuesOf(object)) {
        const keys = keysByValue.get(value);
        if (keys === undefined) keysByValue.set(value, new Set([key]));
        else keys.add(key);
      }
    },
    remove(key, object) {
      for (const value of valuesOf(object)) {
        const keys = keysByValue.get(value);
        keys?.delete(key);
        if (keys?.size === 0) keysByValue.delete(value);
      }
    },
    keys: (value) => keysByValue.get(value) ?? [],
  };
}

/** Freezes the object and all that hangs from it; returns it. */
export function deepFreeze<V>(value: V): V {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const member of Object.values(value)) deepFreeze(member);
  return Object.freeze(value);
}

/** A copy that shares nothing. Of plain JSON this is a quarter of the work of structuredClone. */
export function copyOf<V>(value: V): V {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(copyOf) as V;
  const copy = { ...value } as Record<string, unknown>;
  for (const name of Object.keys(copy)) copy[name] = copyOf(copy[name]);
  return copy as V;
}
