import type { Registry } from 'prom-client';
import { backoffDelay } from './backoff.ts';
import type { KubeClient } from './client.ts';
import { type Clock, sleep } from './clock.ts';
import { retryAfterOf, TransientError } from './errors.ts';
import { counter } from './metrics.ts';
import { compareResourceVersions } from './resource-version.ts';
import { type Change, copyOf, type Store } from './store.ts';
import { type DeepReadonly, keyOf, keyToString, type KubeKind, type KubeObject, type Logger } from './types.ts';
import { isMissingKind, isRefusedStream, messageOf, reasonOf, RESUMABLE } from './watch-failures.ts';
import { endsInitialEvents, type WatchEvent } from './watch-stream.ts';

/** Keeps a store equal to the objects of one kind, for as long as it runs, whatever the network does. */
export interface Reflector<T extends KubeObject> {
  /** Resolves when the signal aborts; never rejects. */
  run(signal: AbortSignal): Promise<void>;
  /** True once the first complete list is in the store. */
  hasSynced(): boolean;
  /**
   * Takes in what the API server answered to a write of ours: the next pass sees it, however late the watch is. The object
   * must be one that this reflector selects.
   */
  learn(object: T): void;
  /** Resolves when `hasSynced` becomes true. */
  readonly synced: Promise<void>;
  /** Why the last list or watch failed, for people; undefined while all is well. */
  trouble(): string | undefined;
  /** When the API server last answered a list, accepted a watch or sent something; undefined before the first time. */
  lastContact(): Date | undefined;
}

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly kind: KubeKind<T>;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** See CacheOptions. */
  readonly keep?: (object: T) => T;
  /** See CacheOptions. */
  readonly mayBeMissing?: boolean;
  readonly store: Store<T>;
  /** Told in order, after the store has changed. What one throws is logged and counted; the others and the stream go on. */
  readonly handlers: ReadonlySet<(change: Change<T>) => void>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly registry: Registry;
  /** See ManagerOptions. Default pages. */
  readonly initialLists?: 'pages' | 'stream';
  /** A watch that is silent for so long is opened again, in milliseconds. Bookmarks come every minute. Default 150,000. */
  readonly idleTimeoutMs?: number;
  /** First and longest delay after a failure, in milliseconds. Default 500 and 30,000. */
  readonly backoff?: { readonly baseMs: number; readonly capMs: number };
}

// A list without a resourceVersion is read from the quorum, so an older one than we know means that etcd was restored
// from a backup, or that something answers from a stale copy. The second passes; after so many tries we believe the first.
const STALE_LISTS_BEFORE_BELIEF = 10;

export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector<T> {
  const { client, kind, namespace, labelSelector, fieldSelector, store, clock } = options;
  const keep = options.keep ?? ((object: T) => object);
  const selection = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
  };
  const log = options.log.child({ kind: kind.kind, ...selection });
  const metrics = createReflectorMetrics(options.registry, kind.plural);
  let version: string | undefined;
  let mustList = true;
  let streaming = options.initialLists === 'stream';
  let streamRefused = false;
  const { promise: synced, resolve: resolveSynced } = Promise.withResolvers<void>();
  let hasSynced = false;
  let failures = 0;
  let staleLists = 0;
  let contact: Date | undefined;
  let trouble: string | undefined;

  async function run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        if (mustList && !streaming) await listPages(signal);
        await watch(signal);
      } catch (cause) {
        if (signal.aborted) return;
        await recover(cause, signal);
      }
    }
  }

  async function listPages(signal: AbortSignal): Promise<void> {
    const { items, resourceVersion } = await client.list(kind, { ...selection, signal });
    contact = clock.now();
    trouble = undefined;
    takeList(items.map(keep), resourceVersion);
  }

  function takeList(items: readonly T[], resourceVersion: string): void {
    if (compareResourceVersions(resourceVersion, version) < 0 && ++staleLists < STALE_LISTS_BEFORE_BELIEF) {
      throw new TransientError('StaleList', `a list at version ${resourceVersion} is older than what was seen`);
    }
    const believe = staleLists >= STALE_LISTS_BEFORE_BELIEF;
    if (believe) log.warn({ resourceVersion }, 'the API server went back in time; taking its word');
    staleLists = 0;
    metrics.lists.inc({ kind: kind.plural });
    const where = namespace === undefined ? {} : { namespace };
    const changes = store.replace(items, { ...where, version: resourceVersion, believe });
    version = resourceVersion;
    mustList = false;
    streaming = options.initialLists === 'stream' && !streamRefused;
    hasSynced = true;
    resolveSynced();
    for (const change of changes) tell(change);
  }

  async function watch(signal: AbortSignal): Promise<void> {
    const events = await client.watch(kind, {
      ...selection,
      ...(mustList ? {} : { resourceVersion: version ?? '0' }),
      signal,
      timeoutSeconds: 300 + Math.floor(options.random() * 300), // spread, so that not all watches end at once
      idleTimeoutMs: options.idleTimeoutMs ?? 150_000,
    });
    const start = clock.now();
    contact = start;
    trouble = undefined;
    let quiet = true;
    const listed = new Map<string, T>();
    for await (const event of events) {
      contact = clock.now();
      if (mustList) {
        collect(listed, event);
        continue;
      }
      failures = 0;
      quiet = false;
      take(event);
    }
    if (mustList) throw new TransientError('ListCut', 'the stream ended before the list was complete');
    // Something that ends every watch at once must not be asked a thousand times a second.
    if (quiet && clock.now().getTime() - start.getTime() < 1000)
      throw new TransientError('WatchTooShort', 'the watch ended at once');
    failures = 0;
  }

  /** One event of a streamed list. The bookmark at its end brings the store up to date in one go. */
  function collect(listed: Map<string, T>, event: WatchEvent<T>): void {
    const { type, object } = event;
    if (endsInitialEvents(event)) {
      const items = [...listed.values()];
      listed.clear(); // the stream goes on for minutes
      return takeList(items, object.metadata.resourceVersion ?? '');
    }
    if (type === 'BOOKMARK') return;
    const key = keyOf(object);
    if (type === 'DELETED') listed.delete(keyToString(key));
    // What the store has already is not held twice.
    else listed.set(keyToString(key), sameVersion(store.get(key), object) ?? keep(object));
  }

  function take({ type, object }: WatchEvent<T>): void {
    if (type !== 'BOOKMARK') {
      for (const change of type === 'DELETED' ? store.remove(object) : store.upsert(keep(object))) tell(change);
    }
    // Going back would make the next watch repeat what was seen.
    const next = object.metadata.resourceVersion;
    if (next !== undefined && (version === undefined || compareResourceVersions(next, version) >= 0)) version = next;
  }

  function learn(object: T): void {
    const { resourceVersion, deletionTimestamp, finalizers = [] } = object.metadata;
    // What the stream has passed it has told already; if it is not in the store, it is gone since.
    if (!hasSynced || compareResourceVersions(resourceVersion, version) <= 0) return;
    if (deletionTimestamp !== undefined && finalizers.length === 0) return;
    for (const change of store.upsert(keep(copyOf(object)))) tell(change);
  }

  function tell(change: Change<T>): void {
    for (const handler of options.handlers) {
      try {
        handler(change);
      } catch (cause) {
        metrics.handlerErrors.inc({ kind: kind.plural });
        log.error({ err: cause }, 'a handler threw; the stream goes on');
      }
    }
  }

  /** After a stream that failed the next list comes in pages; true when streams are of no use here, and that may be at once. */
  function comesInPagesNow(cause: unknown): boolean {
    if (!mustList || !streaming) return false;
    streaming = false;
    streamRefused = isRefusedStream(cause);
    if (streamRefused)
      log.info({ message: messageOf(cause, kind) }, 'the API server streams no lists; they come in pages');
    return streamRefused;
  }

  /** There are none of a kind that there is not, and they may come. */
  function takeMissing(): void {
    contact = clock.now();
    hasSynced = true;
    resolveSynced();
    for (const change of store.replace([], { ...(namespace === undefined ? {} : { namespace }), believe: true }))
      tell(change);
  }

  async function recover(cause: unknown, signal: AbortSignal): Promise<void> {
    const reason = reasonOf(cause);
    const isMissing = options.mayBeMissing === true && isMissingKind(cause);
    if (isMissing) takeMissing();
    metrics.failures.inc({ kind: kind.plural, reason });
    if (comesInPagesNow(cause)) return;
    mustList ||= !RESUMABLE.has(reason);
    if (reason === 'WatchIdle' || (reason === 'Expired' && failures === 0)) {
      // The usual end of a quiet watch, and of one that was cut off for long: nothing is broken, so no waiting.
      failures += reason === 'Expired' ? 1 : 0;
      log.debug({ reason }, 'reopening the watch');
      return;
    }
    const delay = backoffDelay(failures, { baseMs: 500, capMs: 30_000, ...options.backoff, random: options.random });
    const ms = Math.max(delay, retryAfterOf(cause));
    failures += 1;
    trouble = messageOf(cause, kind);
    const level = failures < 5 || isMissing ? 'info' : 'warn';
    log[level]({ reason, message: trouble, retryInMs: Math.round(ms), failures }, 'list or watch failed');
    await sleep(clock, ms, signal);
  }

  return { run, learn, hasSynced: () => hasSynced, synced, trouble: () => trouble, lastContact: () => contact };
}

function sameVersion<T extends KubeObject>(known: DeepReadonly<T> | undefined, object: T): T | undefined {
  const isSame =
    known?.metadata.uid === object.metadata.uid && known?.metadata.resourceVersion === object.metadata.resourceVersion;
  return isSame ? (known as T) : undefined;
}

function createReflectorMetrics(registry: Registry, plural: string) {
  const labelNames = ['kind'] as const;
  const lists = counter(registry, {
    name: 'reflector_lists_total',
    help: 'Complete lists that went into a cache.',
    labelNames,
  });
  const handlerErrors = counter(registry, {
    name: 'reflector_handler_errors_total',
    help: 'Handlers of cache changes that threw.',
    labelNames,
  });
  const failures = counter(registry, {
    name: 'reflector_failures_total',
    help: 'Lists and watches that ended other than at their time, by reason.',
    labelNames: ['kind', 'reason'],
  });
  lists.inc({ kind: plural }, 0);
  handlerErrors.inc({ kind: plural }, 0);
  return { lists, handlerErrors, failures };
}
