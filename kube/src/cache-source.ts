import type { Registry } from 'prom-client';
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { createReflector, type Reflector } from './reflector.ts';
import { type Cache, type Change, createStore, type IndexFunctions } from './store.ts';
import type { KubeKind, KubeObject, Logger } from './types.ts';

export interface CacheOptions<T extends KubeObject> {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Looks into these alone, whichever the manager looks into. */
  readonly namespaces?: readonly string[];
  readonly indexes?: IndexFunctions<T>;
  /** What is kept of an object of the API; metadata has to be. Default: all of it. Of caches with the same selectors the first counts. */
  readonly keep?: (object: T) => T;
  /**
   * The cluster may lack the kind, such as those of the Gateway API: the cache is empty then, and fills within half a minute
   * of the day when the kind is installed. Default: a cache that is not filled, which nobody may trust.
   */
  readonly mayBeMissing?: boolean;
}

/** A cache and the reflectors that fill it: one, or one a namespace where the manager may not see all of them. */
export interface CacheSource<T extends KubeObject> {
  readonly cache: Cache<T>;
  addIndexes(indexes: IndexFunctions<T>): void;
  /** From now on the handler is told of every change; what is in the cache already, it reads there. */
  subscribe(handler: (change: Change<T>) => void): void;
  /** Takes in the answer to a write of ours, if the cache selects the object. See Reflector. */
  learn(object: T): void;
  /** Fills the cache until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  readonly synced: Promise<void>;
  /** Why readers should not trust the cache; undefined when they can. */
  problem(maxAgeMs: number): string | undefined;
}

export interface CacheSourceDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly registry: Registry;
  readonly namespaces?: readonly string[];
  readonly initialLists?: 'pages' | 'stream';
  readonly freeze?: boolean;
}

export function createCacheSource<T extends KubeObject>(
  deps: CacheSourceDeps,
  kind: KubeKind<T>,
  { indexes = {}, keep, mayBeMissing = false, namespaces = deps.namespaces, ...selectors }: CacheOptions<T>,
): CacheSource<T> {
  const store = createStore<T>({ indexes, ...(deps.freeze === undefined ? {} : { freeze: deps.freeze }) });
  const handlers = new Set<(change: Change<T>) => void>();
  const scopes = kind.namespaced && namespaces !== undefined ? namespaces.map((namespace) => ({ namespace })) : [{}];
  const reflectors = scopes.map(
    (scope: { readonly namespace?: string }): { readonly namespace?: string; readonly reflector: Reflector<T> } => ({
      ...scope,
      reflector: createReflector({
        ...deps,
        kind,
        ...selectors,
        ...scope,
        ...(keep && { keep }),
        mayBeMissing,
        store,
        handlers,
      }),
    }),
  );
  const all = (holds: (reflector: Reflector<T>) => boolean) => reflectors.every(({ reflector }) => holds(reflector));

  return {
    cache: {
      get: (key) => store.get(key),
      list: (namespace) => store.list(namespace),
      byIndex: (index, value) => store.byIndex(index, value),
      hasSynced: () => all((reflector) => reflector.hasSynced()),
    },
    addIndexes: (added) => store.addIndexes(added),
    subscribe: (handler) => void handlers.add(handler),
    learn(object) {
      if (!isSelected(object, selectors)) return;
      for (const { namespace, reflector } of reflectors)
        if (namespace === undefined || namespace === object.metadata.namespace) reflector.learn(object);
    },
    async run(signal) {
      await Promise.all(reflectors.map(({ reflector }) => reflector.run(signal)));
    },
    synced: Promise.all(reflectors.map(({ reflector }) => reflector.synced)).then(() => undefined),
    problem(maxAgeMs) {
      const trouble = reflectors.map(({ reflector }) => reflector.trouble()).find((found) => found !== undefined);
      const why = trouble === undefined ? '' : ` (${trouble})`;
      if (!all((reflector) => reflector.hasSynced())) return `the cache of ${kind.plural} is not filled yet${why}`;
      const contacts = reflectors.map(({ reflector }) => reflector.lastContact()?.getTime() ?? 0);
      const ageMs = deps.clock.now().getTime() - Math.min(...contacts);
      if (ageMs <= maxAgeMs) return undefined;
      return `nothing heard of ${kind.plural} for ${Math.round(ageMs / 1000)} s${why}`;
    },
  };
}

/** Whether selectors surely take the object: those of another form than `label=value,…` are left to the API server. */
function isSelected(
  { metadata }: KubeObject,
  selectors: Pick<CacheOptions<KubeObject>, 'labelSelector' | 'fieldSelector'>,
) {
  const { labelSelector = '', fieldSelector } = selectors;
  if (fieldSelector !== undefined) return false;
  return labelSelector
    .split(',')
    .filter((term) => term !== '')
    .every((term) => {
      const [, label = '', value] = /^([^=!\s]+)==?([^=!\s]*)$/.exec(term) ?? [];
      return value !== undefined && metadata.labels?.[label] === value;
    });
}
