import type { Registry } from 'prom-client';
import { type CacheOptions, type CacheSource, createCacheSource } from './cache-source.ts';
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { type ControllerLoop, createControllerLoop, type Reconcile } from './controller.ts';
import { type LeaseOptions, runWithLease } from './leader-election.ts';
import type { Cache, Change } from './store.ts';
import {
  apiVersionOf,
  type DeepReadonly,
  keyOf,
  keyToString,
  type KubeKind,
  type KubeObject,
  type Logger,
  type ObjectKey,
} from './types.ts';
import type { Priority } from './work-queue.ts';

/** Which keys a change of another object wakes. Called with the object and what it was before; for both when it moved. */
export interface Watch {
  readonly cache: Cache<KubeObject>;
  // A method, so that a map of Pods fits a list of maps of anything; `watch` checks that map and cache agree.
  map(object: DeepReadonly<KubeObject>, old?: DeepReadonly<KubeObject>): readonly ObjectKey[];
}

/** A Watch whose map function gets the type of the cache's objects. */
export function watch<T extends KubeObject>(
  cache: Cache<T>,
  map: (object: DeepReadonly<T>, old?: DeepReadonly<T>) => readonly ObjectKey[],
): Watch {
  return { cache, map };
}

/** What wakes keys besides the API server: another system that is asked, or that tells by itself. */
export interface Signal {
  /** Called once, before the first pass. What is told while the controller does not work is lost: passes look for themselves. */
  subscribe(wake: (key: ObjectKey, reason: string) => void): void;
}

export interface ControllerOptions<T extends KubeObject> {
  /** Kind and concern, such as `model.lifecycle`. */
  readonly name: string;
  /** How many keys are worked on at a time. Default 4. */
  readonly workers?: number;
  /** The objects that are reconciled; every change of one wakes its key. */
  readonly for: Cache<T>;
  readonly watches?: readonly Watch[];
  readonly signals?: readonly Signal[];
  readonly reconcile: Reconcile;
}

export interface Manager {
  /** The cache of a kind; the same one for the same kind, selectors and namespaces. Before `run` only. */
  cache<T extends KubeObject>(kind: KubeKind<T>, options?: CacheOptions<T>): Cache<T>;
  /** Before `run` only. */
  addController<T extends KubeObject>(options: ControllerOptions<T>): void;
  /**
   * Fills the caches, waits until all are complete, takes the lease, starts the workers. When the signal aborts:
   * intake stops, running work ends, the lease is given back, the caches stop, and the promise resolves.
   *
   * @throws LeaseLostError when the lease is lost; the process must exit then.
   */
  run(signal: AbortSignal): Promise<void>;
  /** For /readyz: every cache is complete and fresh. True for a standby, too. */
  ready(): { readonly ok: boolean; readonly why?: string };
}

export interface ManagerOptions {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly clock: Clock;
  readonly registry: Registry;
  /** Look into these only. Default: all. */
  readonly namespaces?: readonly string[];
  /** Without it this process works without asking whether another does. */
  readonly lease?: LeaseOptions;
  /** For jitter. Default Math.random. */
  readonly random?: () => number;
  /** How long running work may go on after a stop, in milliseconds. Default 20,000. */
  readonly drainMs?: number;
  /** A cache that has heard nothing for so long makes `ready` false, in milliseconds. Default 240,000. */
  readonly cacheMaxAgeMs?: number;
  /**
   * How caches are filled: by lists in pages of 500, or as the beginning of a watch (`sendInitialEvents`, on since Kubernetes
   * 1.34; where the API server refuses, and after a stream that broke off, in pages all the same). Default pages: measured with
   * 10,000 objects of 4 kB, a stream needs a sixth less memory but a third more processor time and one to two seconds more,
   * because the API server tells its end on a timer. `npm run bench -- runtime` compares them.
   */
  readonly initialLists?: 'pages' | 'stream';
  /** See StoreOptions. Default true. */
  readonly freeze?: boolean;
}

export function createManager(options: ManagerOptions): Manager {
  const { log } = options;
  const deps = { ...options, random: options.random ?? Math.random };
  const sources = new Map<string, CacheSource<KubeObject>>();
  const sourcesOfKind = new Map<string, CacheSource<KubeObject>[]>();
  const sourceOf = new WeakMap<object, CacheSource<KubeObject>>();
  const controllers: { readonly loop: ControllerLoop; connect(): void }[] = [];
  let running = false;

  function cache<T extends KubeObject>(kind: KubeKind<T>, cacheOptions: CacheOptions<T> = {}): Cache<T> {
    if (running) throw new Error(`Ask for the cache of ${kind.plural} before run()`);
    const resource = resourceOf(kind);
    const { labelSelector, fieldSelector, namespaces } = cacheOptions;
    const id = [resource, labelSelector, fieldSelector, namespaces].join(' ');
    const existing = sources.get(id) as CacheSource<T> | undefined;
    existing?.addIndexes(cacheOptions.indexes ?? {});
    if (existing !== undefined) return existing.cache;
    const found = createCacheSource(deps, kind, cacheOptions);
    sources.set(id, found);
    sourcesOfKind.set(resource, [...(sourcesOfKind.get(resource) ?? []), found]);
    sourceOf.set(found.cache, found);
    return found.cache;
  }

  // Read your own writes: without this a pass that comes before the watch has told would do its work again.
  options.client.onWritten((kind, object) => {
    for (const each of sourcesOfKind.get(resourceOf(kind)) ?? []) each.learn(object);
  });

  function source(of: object, controller: string): CacheSource<KubeObject> {
    const found = sourceOf.get(of);
    if (found === undefined)
      throw new Error(`${controller} watches a cache that is not of this manager: take it from manager.cache()`);
    return found;
  }

  function addController<T extends KubeObject>(controller: ControllerOptions<T>): void {
    const { name, workers = 4, reconcile, watches = [], signals = [] } = controller;
    if (running) throw new Error(`Add the controller ${name} before run()`);
    const primary = source(controller.for, name);
    const watched = watches.map((each) => ({ watch: each, source: source(each.cache, name) }));
    const loop = createControllerLoop({ ...deps, name, workers, reconcile, drainMs: options.drainMs ?? 20_000 });
    const wake = (keys: readonly ObjectKey[], reason: string, priority: Priority = 'normal') =>
      keys.forEach((key) => loop.queue.add(keyToString(key), reason, priority));
    controllers.push({
      loop,
      connect() {
        primary.subscribe((change) => wake([keyOf((change.new ?? change.old) as KubeObject)], reasonOf(change)));
        for (const { watch: each, source: from } of watched)
          from.subscribe((change) => wake(keysOf(change, each), reasonOf(change)));
        for (const signal of signals) signal.subscribe((key, reason) => wake([key], reason));
        for (const object of primary.cache.list()) wake([keyOf(object)], 'start', 'low');
      },
    });
  }

  async function work(stop: AbortSignal, abandon: AbortSignal): Promise<void> {
    for (const controller of controllers) controller.connect();
    log.info({ controllers: controllers.length }, 'working');
    // A manager without controllers, whose caches alone are wanted, works until it is stopped, too.
    await Promise.all([
      Promise.race([abortOf(stop), abortOf(abandon)]),
      ...controllers.map(({ loop }) => loop.run({ stop, abandon })),
    ]);
  }

  async function run(stop: AbortSignal): Promise<void> {
    running = true;
    const caches = new AbortController();
    const filling = Promise.all([...sources.values()].map((each) => each.run(caches.signal)));
    try {
      const synced = Promise.all([...sources.values()].map((each) => each.synced));
      await Promise.race([synced, abortOf(stop)]);
      if (stop.aborted) return;
      log.info({ caches: sources.size }, 'caches are filled');
      if (options.lease === undefined) await work(stop, new AbortController().signal);
      else await runWithLease(deps, options.lease, stop, (lost) => work(stop, lost));
    } finally {
      caches.abort();
      await filling;
      log.info({}, 'stopped');
    }
  }

  function ready(): { ok: boolean; why?: string } {
    const problems = [...sources.values()].map((each) => each.problem(options.cacheMaxAgeMs ?? 240_000));
    const why = problems.filter((problem) => problem !== undefined).join('; ');
    if (!running) return { ok: false, why: 'not started' };
    return why === '' ? { ok: true } : { ok: false, why };
  }

  return { cache, addController, run, ready };
}

function resourceOf(kind: KubeKind): string {
  return `${apiVersionOf(kind)} ${kind.plural}`;
}

/** An object that moved from one owner to another wakes both. */
function keysOf(change: Change<KubeObject>, on: Watch): readonly ObjectKey[] {
  if (change.old === undefined) return on.map(change.new);
  return change.new === undefined ? on.map(change.old) : [...on.map(change.new, change.old), ...on.map(change.old)];
}

function reasonOf({ old, new: now }: Change<KubeObject>): string {
  const object = (now ?? old) as DeepReadonly<KubeObject>;
  const what = old === undefined ? 'created' : now === undefined ? 'deleted' : 'changed';
  return `${object.kind} ${keyToString(keyOf(object))} ${what}`;
}

function abortOf(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
