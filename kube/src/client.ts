import type { Registry } from 'prom-client';
import { createBudget, type RequestBudget } from './budget.ts';
import type { Clock } from './clock.ts';
import { createConnection } from './connection.ts';
import { ignoreNotFound, KubeApiError } from './errors.ts';
import { type KubeConfig, serverOf } from './kube-config.ts';
import { collectionPath, groupPath, objectPath } from './paths.ts';
import {
  readTokenIssuer,
  requestToken,
  type ServiceAccountToken,
  type TokenIssuer,
  type TokenWish,
} from './service-account-tokens.ts';
import { type ApiRequest, createTransport, type Transport } from './transport.ts';
import {
  type ApplyConfiguration,
  apiVersionOf,
  keyOf,
  type KubeKind,
  type KubeObject,
  type Logger,
  type ObjectKey,
} from './types.ts';
import { type WatchEvent, watchEventsOf, withIdleLimit } from './watch-stream.ts';

export interface RequestScope {
  /** Aborts the request. */
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions extends RequestScope {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface WriteOptions extends RequestScope {
  readonly fieldManager: string;
}

export interface ApplyOptions extends WriteOptions {
  /** Take fields over from other managers instead of failing with a Conflict. Default false. */
  readonly force?: boolean;
}

export interface PatchOptions extends WriteOptions {
  readonly subresource?: string;
}

export interface DeleteOptions extends RequestScope {
  readonly uid?: string;
  readonly resourceVersion?: string;
  /** Default Background. */
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  /** Until what runs is killed, 0 for at once; the object's own where it is absent. */
  readonly gracePeriodSeconds?: number;
}

export interface WatchOptions extends ListOptions {
  /**
   * Brings what changed after this version. Without it the stream is a list, too: every object there is as ADDED, then a
   * bookmark for which `endsInitialEvents` is true, then the changes.
   */
  readonly resourceVersion?: string;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** The server ends the stream after so long, in seconds. */
  readonly timeoutSeconds: number;
  /** The stream fails with a TransientError when nothing arrives for so long, in milliseconds. */
  readonly idleTimeoutMs: number;
}

/** Every method rejects with KubeApiError for an answer that is not 2xx, with TransientError when there was no answer. */
export interface KubeClient {
  get<T extends KubeObject>(kind: KubeKind<T>, key: ObjectKey, options?: RequestScope): Promise<T>;
  /** All objects, read in pages. */
  list<T extends KubeObject>(
    kind: KubeKind<T>,
    options?: ListOptions,
  ): Promise<{ items: T[]; resourceVersion: string }>;
  create<T extends KubeObject>(
    kind: KubeKind<T>,
    object: NoInfer<ApplyConfiguration<T>>,
    options: WriteOptions,
  ): Promise<T>;
  /** Server-side apply; unknown fields are refused. */
  apply<T extends KubeObject>(
    kind: KubeKind<T>,
    object: NoInfer<ApplyConfiguration<T>>,
    options: ApplyOptions,
  ): Promise<T>;
  /** Server-side apply on the status subresource. Send `metadata.resourceVersion`: without it a late write hits a namesake. */
  applyStatus<T extends KubeObject>(
    kind: KubeKind<T>,
    object: NoInfer<ApplyConfiguration<T>>,
    options: ApplyOptions,
  ): Promise<T>;
  /** JSON merge patch (RFC 7396): null removes a field. A `metadata.resourceVersion` in it is a precondition. */
  mergePatch<T extends KubeObject>(kind: KubeKind<T>, key: ObjectKey, patch: object, options: PatchOptions): Promise<T>;
  /** Resolves also when there is no such object; rejects with Conflict when a precondition fails. */
  delete(kind: KubeKind, key: ObjectKey, options?: DeleteOptions): Promise<void>;
  /** Resolves when the server has accepted the watch. See `watchEventsOf` for how the stream ends. */
  watch<T extends KubeObject>(kind: KubeKind<T>, options: WatchOptions): Promise<AsyncIterable<WatchEvent<T>>>;
  /** The plural names of all kinds of a group in a version; none where the API server does not have it. See `createDiscovery`. */
  servedPlurals(group: string, version: string): Promise<ReadonlySet<string>>;
  /** A token of the service account. */
  requestToken(account: ObjectKey, wish: TokenWish): Promise<ServiceAccountToken>;
  /** By what tokens of service accounts are checked. */
  tokenIssuer(): Promise<TokenIssuer>;
  /** From now on the listener gets what the API server answers to a successful write: the object as it is stored now. */
  onWritten(listener: WriteListener): void;
  /** Closes the connections. */
  close(): Promise<void>;
}

export type WriteListener = (kind: KubeKind, object: KubeObject) => void;

export interface KubeClientOptions {
  readonly kubeConfig: KubeConfig;
  readonly userAgent: string;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** How long one request may take once it is its turn, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** How fast requests may go out; leases are exempt. */
  readonly budget?: RequestBudget;
}

const APPLY_PATCH = 'application/apply-patch+yaml'; // JSON is YAML
const MERGE_PATCH = 'application/merge-patch+json';

/** A client for any kind: all of its traffic goes through one pool of connections. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const { clock } = options;
  const host = serverOf(options.kubeConfig).host;
  const transport = createTransport({
    ...options,
    host,
    connection: createConnection(options.kubeConfig, clock),
    takeTurn: createBudget({ ...options, host }),
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
  });

  const listeners = new Set<WriteListener>();

  async function write<T extends KubeObject>(kind: KubeKind<T>, request: ApiRequest): Promise<T> {
    const object = (await transport.json(request)) as T;
    // A subresource such as scale answers with another kind.
    if (object.kind === kind.kind) for (const listener of listeners) listener(kind, object);
    return object;
  }

  return {
    get: async <T extends KubeObject>(kind: KubeKind<T>, key: ObjectKey, { signal }: RequestScope = {}) =>
      (await transport.json({ method: 'GET', path: objectPath(kind, key), signal })) as T,
    list: (kind, listOptions = {}) => listAllPages(transport, kind, listOptions),
    create: (kind, object, { fieldManager, signal }) =>
      write(kind, {
        method: 'POST',
        path: collectionPath(kind, object.metadata.namespace),
        query: { fieldManager, fieldValidation: 'Strict' },
        body: object,
        signal,
      }),
    apply: (kind, object, applyOptions) =>
      write(kind, { ...applyRequest(object, applyOptions), path: objectPath(kind, keyOf(object)) }),
    applyStatus: (kind, object, applyOptions) =>
      write(kind, { ...applyRequest(object, applyOptions), path: objectPath(kind, keyOf(object), 'status') }),
    mergePatch: (kind, key, patch, { fieldManager, subresource, signal }) =>
      write(kind, {
        method: 'PATCH',
        path: objectPath(kind, key, subresource),
        query: { fieldManager, fieldValidation: 'Strict' },
        body: patch,
        contentType: MERGE_PATCH,
        signal,
      }),
    async delete(kind, key, deleteOptions = {}) {
      await ignoreNotFound(
        transport.json({
          method: 'DELETE',
          path: objectPath(kind, key),
          body: deleteBody(deleteOptions),
          signal: deleteOptions.signal,
        }),
      );
    },
    servedPlurals: (group, version) => listServed(transport, group, version),
    requestToken: (account, wish) => requestToken(transport, account, wish),
    tokenIssuer: () => readTokenIssuer(transport),
    watch: (kind, watchOptions) => openWatch(transport, kind, { ...watchOptions, clock }),
    onWritten: (listener) => void listeners.add(listener),
    close: () => transport.close(),
  };
}

function applyRequest(object: KubeObject, { fieldManager, force, signal }: ApplyOptions): Omit<ApiRequest, 'path'> {
  return {
    method: 'PATCH',
    query: { fieldManager, fieldValidation: 'Strict', ...(force === true ? { force: 'true' } : {}) },
    body: object,
    contentType: APPLY_PATCH,
    signal,
  };
}

const PAGE_SIZE = '500';

/**
 * A continue token expires after some minutes (410). A list that takes longer is read again from the start, the second
 * time in one piece, as client-go's pager does.
 */
async function listAllPages<T extends KubeObject>(transport: Transport, kind: KubeKind<T>, options: ListOptions) {
  try {
    return await listPages(transport, kind, { ...options, limit: PAGE_SIZE });
  } catch (cause) {
    if (!(cause instanceof KubeApiError && cause.isGone)) throw cause;
    return listPages(transport, kind, options);
  }
}

async function listPages<T extends KubeObject>(
  transport: Transport,
  kind: KubeKind<T>,
  options: ListOptions & { limit?: string },
) {
  const { namespace, labelSelector, fieldSelector, limit, signal } = options;
  const items: T[] = [];
  let next: string | undefined;
  for (;;) {
    const query = { labelSelector, fieldSelector, limit, continue: next };
    const page = (await transport.json({
      method: 'GET',
      path: collectionPath(kind, namespace),
      query,
      signal,
    })) as ListPage<T>;
    // The items of built-in kinds come without apiVersion and kind.
    for (const item of page.items ?? []) items.push({ ...item, apiVersion: apiVersionOf(kind), kind: kind.kind });
    next = page.metadata.continue;
    if (next === undefined || next === '') return { items, resourceVersion: page.metadata.resourceVersion };
  }
}

interface ListPage<T> {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly T[] | null;
}

async function listServed(transport: Transport, group: string, version: string): Promise<ReadonlySet<string>> {
  const found = await ignoreNotFound(transport.json({ method: 'GET', path: groupPath(group, version) }));
  const { resources = [] } = (found ?? {}) as { readonly resources?: readonly { readonly name: string }[] };
  return new Set(resources.map(({ name }) => name).filter((name) => !name.includes('/'))); // the rest are subresources
}

async function openWatch<T extends KubeObject>(
  transport: Transport,
  kind: KubeKind<T>,
  options: WatchOptions & { clock: Clock },
) {
  const controller = new AbortController();
  const stop = () => controller.abort(options.signal.reason);
  if (options.signal.aborted) stop();
  options.signal.addEventListener('abort', stop, { once: true });
  const release = () => options.signal.removeEventListener('abort', stop);
  try {
    const chunks = await transport.stream({
      method: 'GET',
      path: collectionPath(kind, options.namespace),
      query: {
        watch: 'true',
        allowWatchBookmarks: 'true',
        ...(options.resourceVersion === undefined
          ? { sendInitialEvents: 'true', resourceVersionMatch: 'NotOlderThan' }
          : { resourceVersion: options.resourceVersion }),
        timeoutSeconds: String(options.timeoutSeconds),
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
      },
      signal: controller.signal,
    });
    const limited = withIdleLimit(chunks, { ms: options.idleTimeoutMs, clock: options.clock, controller });
    return afterwards(watchEventsOf<T>(limited), release);
  } catch (cause) {
    release();
    throw cause;
  }
}

async function* afterwards<E>(events: AsyncIterable<E>, cleanup: () => void): AsyncGenerator<E> {
  try {
    yield* events;
  } finally {
    cleanup();
  }
}

function deleteBody(options: DeleteOptions): object {
  const { uid, resourceVersion, propagationPolicy = 'Background', gracePeriodSeconds } = options;
  const preconditions = {
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
  };
  return { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy, gracePeriodSeconds, preconditions };
}
