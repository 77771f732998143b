import type { Registry } from 'prom-client';
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { createReflector, type Reflector } from './reflector.ts';
import { type Cache, type Change, createStore, type IndexFunctions } from './store.ts';
import type { KubeKind, KubeObject, Logger } from './types.ts';

export interface CacheOptions<T extends KubeObject> {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly indexes?: IndexFunctions<T>;
}

/** A cache and the reflectors that fill it: one, or one a namespace where the manager may not see all of them. */
export interface CacheSource<T extends KubeObject> {
  readonly cache: Cache<T>;
  addIndexes(indexes: IndexFunctions<T>): void;
  /** From now on the handler is told of every change; what is in the cache already, it reads there. */
  subscribe(handler: (change: Change<T>) => void): void;
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
  readonly freeze?: boolean;
}

export function createCacheSource<T extends KubeObject>(
  deps: CacheSourceDeps,
  kind: KubeKind<T>,
  { indexes = {}, ...selectors }: CacheOptions<T>,
): CacheSource<T> {
  const store = createStore<T>({ indexes, ...(deps.freeze === undefined ? {} : { freeze: deps.freeze }) });
  const handlers = new Set<(change: Change<T>) => void>();
  const scopes =
    kind.namespaced && deps.namespaces !== undefined ? deps.namespaces.map((namespace) => ({ namespace })) : [{}];
  const reflectors: Reflector[] = scopes.map((scope) =>
    createReflector({ ...deps, kind, ...selectors, ...scope, store, handlers }),
  );

  return {
    cache: {
      get: (key) => store.get(key),
      list: (namespace) => store.list(namespace),
      byIndex: (index, value) => store.byIndex(index, value),
      hasSynced: () => reflectors.every((reflector) => reflector.hasSynced()),
    },
    addIndexes: (added) => store.addIndexes(added),
    subscribe: (handler) => void handlers.add(handler),
    async run(signal) {
      await Promise.all(reflectors.map((reflector) => reflector.run(signal)));
    },
    synced: Promise.all(reflectors.map((reflector) => reflector.synced)).then(() => undefined),
    problem(maxAgeMs) {
      if (!reflectors.every((reflector) => reflector.hasSynced()))
        return `the cache of ${kind.plural} is not filled yet`;
      const contacts = reflectors.map((reflector) => reflector.lastContact()?.getTime() ?? 0);
      const ageMs = deps.clock.now().getTime() - Math.min(...contacts);
      if (ageMs <= maxAgeMs) return undefined;
      return `nothing heard of ${kind.plural} for ${Math.round(ageMs / 1000)} s`;
    },
  };
}
