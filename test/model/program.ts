/**
 * The operator as a program that is run one request at a time: the real controller, unmodified, from the caches it sees and
 * the answers it got so far. A pass is a pure function of those, so a pass that was interrupted is resumed by playing it again.
 */
import { KubeApiError, toOperatorError, TransientError } from '@slipway/kube';
import type {
  Cache,
  CacheOptions,
  ControllerOptions,
  KubeClient,
  KubeKind,
  KubeObject,
  Logger,
  ObjectKey,
  OperatorError,
  Result,
  Scope,
} from '@slipway/kube';
import type { DeleteOptions } from '../../kube/src/client.ts';
import { createStore } from '../../kube/src/store.ts';
import type { Store } from '../../kube/src/store.ts';
import { ScalingMemory } from '../../operator/src/autoscaling/scaling-memory.ts';
import { createCaches } from '../../operator/src/caches.ts';
import type { AddController } from '../../operator/src/controller-registration.ts';
import type { WorkloadConfig } from '../../operator/src/deps.ts';
import { GATEWAY, NAMESPACE } from '../../operator/src/testing/fixtures.ts';
import type { Id, Objects, Stored } from './api-model.ts';
import { idOf, kindOf } from './api-model.ts';
import { gatewaysIn } from './gateway-model.ts';
import { isWrite } from './requests.ts';
import type { Answer, Request } from './requests.ts';
import { answerKey, objectsKey } from './state-key.ts';

export type Next =
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'end'; readonly ending: Result | OperatorError };

export interface Pass {
  /** What the caches held when it began; what it wrote since comes on top. */
  readonly view: Objects;
  readonly answers: readonly Answer[];
  /** Model time, in seconds. */
  readonly now: number;
}

export interface Program {
  /** The object that it reconciles. */
  readonly owner: Id;
  /** The next thing that the pass does. */
  next(pass: Pass): Promise<Next>;
}

export interface ProgramOptions {
  readonly controller: AddController;
  readonly owner: Id;
  readonly config: WorkloadConfig;
  readonly tamper?: Tamper | undefined;
}

/** What goes out instead of a request. */
export type Tamper = (request: Request) => Request;

const START = Date.parse('2026-11-23T10:00:00Z');

export function timeAt(seconds: number): Date {
  return new Date(START + seconds * 1000);
}

export function createProgram(options: ProgramOptions): Program {
  const known = new Map<string, Next>();
  return {
    owner: options.owner,
    async next(pass) {
      const key = `${objectsKey(pass.view)}|${pass.answers.map(answerKey).join(' ')}|${pass.now}`;
      const found = known.get(key);
      if (found !== undefined) return found;
      const next = await play(options, pass);
      known.set(key, next);
      return next;
    },
  };
}

function play({ controller, owner, config, tamper = (request) => request }: ProgramOptions, pass: Pass): Promise<Next> {
  const { promise, resolve } = Promise.withResolvers<Next>();
  const stores = fillStores(pass.view);
  const client = answeringClient(pass.answers, stores, (request) =>
    resolve({ kind: 'request', request: tamper(request) }),
  );
  let reconcile: ControllerOptions<KubeObject>['reconcile'] | undefined;
  const manager = { addController: (added: ControllerOptions<KubeObject>) => void (reconcile = added.reconcile) };
  const clock = { now: () => timeAt(pass.now), setTimeout: () => ({ cancel: () => undefined }) };
  const events = { record: () => undefined, flush: async () => undefined };
  const caches = createCaches({ cache: (kind, options) => cacheOf(stores, kind, options) }, { gateway: GATEWAY });
  const gateways = gatewaysIn(pass.view);
  controller(manager as Parameters<AddController>[0], {
    client,
    clock,
    events,
    discovery: { serves: async () => false },
    config,
    caches,
    gateways,
    scaling: new ScalingMemory(),
  });
  reconcile?.(keyOfId(owner), SCOPE).then(
    (ending) => resolve({ kind: 'end', ending }),
    (cause: unknown) => resolve({ kind: 'end', ending: toOperatorError(cause) }),
  );
  return promise;
}

function keyOfId(id: Id): ObjectKey {
  return { namespace: NAMESPACE, name: id.slice(id.indexOf('/') + 1) };
}

const quiet = () => undefined;
const log: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet, child: () => log };
const SCOPE: Scope = {
  log,
  signal: new AbortController().signal,
  controller: 'model',
  reconcileId: 'model',
  reasons: [],
};

type Stores = Map<string, Store<KubeObject>>;

function fillStores(view: Objects): Stores {
  const stores: Stores = new Map();
  for (const [id, found] of view) storeOf(stores, kindOf(id)).upsert(asRead(found));
  return stores;
}

function storeOf(stores: Stores, kind: string): Store<KubeObject> {
  const store = stores.get(kind) ?? createStore<KubeObject>();
  stores.set(kind, store);
  return store;
}

/** Labels do not matter, everything in the model has those that are asked for. By field Events are selected, and it has none. */
function cacheOf<T extends KubeObject>(
  stores: Stores,
  { kind }: KubeKind<T>,
  { fieldSelector, namespaces, indexes = {} }: CacheOptions<T> = {},
): Cache<T> {
  const all = storeOf(stores, kind) as unknown as Store<T>;
  const store = fieldSelector === undefined && namespaces === undefined ? all : createStore<T>();
  for (const namespace of namespaces ?? []) store.replace(all.list(namespace) as unknown as T[]);
  store.addIndexes(indexes);
  return { ...store, hasSynced: () => true };
}

const read = new WeakMap<Stored, KubeObject>();

/** The version that no object has (see `kube/src/apply.ts`): those of clients begin above it. */
const NOTHING = 1;

/** As a client gets it: with the resourceVersion. */
function asRead(found: Stored): KubeObject {
  const known = read.get(found);
  if (known !== undefined) return known;
  const { object } = found.content;
  const whole = { ...object, metadata: { ...object.metadata, resourceVersion: String(found.version + NOTHING) } };
  read.set(found, whole);
  return whole;
}

function versionOf(resourceVersion: string | undefined): number | undefined {
  return resourceVersion === undefined ? undefined : Number(resourceVersion) - NOTHING;
}

/** Answers from the list, and tells of the first request for which there is none yet; that one is never answered. */
function answeringClient(answers: readonly Answer[], stores: Stores, ask: (request: Request) => void): KubeClient {
  let used = 0;
  async function answerOf(request: Request): Promise<Extract<Answer, { kind: 'ok' }>> {
    const answer = answers[used++];
    if (answer === undefined) {
      ask(request);
      return new Promise(() => undefined);
    }
    if (answer.kind === 'lost') throw new TransientError('Timeout', 'no answer came');
    if (answer.kind === 'error') throw new KubeApiError({ ...answer, message: answer.reason });
    return answer;
  }
  async function send(request: Request): Promise<KubeObject> {
    const { stored } = await answerOf(request);
    if (stored === undefined) return {} as KubeObject;
    const object = asRead(stored);
    if (isWrite(request)) storeOf(stores, object.kind).upsert(object);
    return object;
  }
  const at = (kind: KubeKind, { name }: ObjectKey): Id => `${kind.kind}/${name}`;
  const client = {
    get: (kind: KubeKind, key: ObjectKey) => send({ verb: 'get', id: at(kind, key) }),
    list: async ({ kind }: KubeKind) => {
      const { items = [] } = await answerOf({ verb: 'list', id: `${kind}/` });
      return { items: items.map(asRead) };
    },
    apply: (_: KubeKind, object: KubeObject, { fieldManager }: { fieldManager: string }) => {
      const { uid, resourceVersion, ...metadata } = object.metadata;
      const applied = { ...object, metadata };
      const conditions = { uid, version: versionOf(resourceVersion) };
      return send({ verb: 'apply', id: idOf(object), object: applied, manager: fieldManager, ...conditions });
    },
    create: (_: KubeKind, object: KubeObject, { fieldManager }: { fieldManager: string }) =>
      send({ verb: 'create', id: idOf(object), object, manager: fieldManager }),
    applyStatus: (_: KubeKind, object: KubeObject & { status?: unknown }) => {
      const { uid, resourceVersion } = object.metadata;
      return send({
        verb: 'status',
        id: idOf(object),
        status: object.status,
        uid,
        version: versionOf(resourceVersion),
      });
    },
    mergePatch: (kind: KubeKind, key: ObjectKey, { metadata, ...rest }: Partial<KubeObject>) => {
      const { uid, resourceVersion, ...fields } = metadata ?? {};
      const patch = { ...rest, metadata: fields };
      return send({ verb: 'patch', id: at(kind, key), patch, uid, version: versionOf(resourceVersion) });
    },
    delete: async (kind: KubeKind, key: ObjectKey, { uid, resourceVersion }: DeleteOptions = {}) =>
      void (await send({ verb: 'delete', id: at(kind, key), uid, version: versionOf(resourceVersion) })),
  };
  return client as unknown as KubeClient;
}
