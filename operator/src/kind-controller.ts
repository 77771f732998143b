/** The frame of every controller: look, act, write the status once, tell of it in an Event, and let the runtime know how it went. */
import type { Condition } from '@slipway/crds';
import { keyOf, requeueAfter, settled, toOperatorError, writeStatus } from '@slipway/kube';
import type {
  Cache,
  DeepReadonly,
  KubeKind,
  KubeObject,
  Manager,
  ObjectKey,
  OperatorError,
  Result,
  Scope,
  Signal,
  Watch,
} from '@slipway/kube';
import { recordReadyChange } from './condition-events.ts';
import { fieldManagerOf } from './deps.ts';
import type { OperatorDeps, WorkloadConfig } from './deps.ts';

type WithStatus = KubeObject & { status?: { conditions?: readonly Condition[] | undefined } };

export interface KindController<T extends WithStatus, O> {
  /** Kind and concern, such as `model.lifecycle`: the same in metrics, logs, queue and field manager. */
  readonly name: string;
  readonly kind: KubeKind<T>;
  readonly cache: Cache<T>;
  readonly watches?: readonly Watch[];
  readonly signals?: readonly Signal[];
  /** Reads only. */
  observe(object: DeepReadonly<T>): O | Promise<O>;
  /** Writes everything but the status; what it throws goes into the status. A kind that makes nothing has none. */
  drive?(observed: O, scope: Scope): Promise<Result>;
  /** Pure. Undefined leaves the status as it is. */
  status(observed: O, context: StatusContext): { readonly conditions: readonly Condition[] } | undefined;
  /** Whether it has finalizers to see to while the object is being deleted. Default: what it owns goes by itself. */
  readonly finalizes?: boolean;
}

export interface StatusContext {
  readonly now: Date;
  readonly config: WorkloadConfig;
  /** What `drive` threw. */
  readonly error: OperatorError | undefined;
}

/** We see only what carries our labels, so nothing tells us when somebody else's object of our name is gone. */
const NAME_TAKEN_POLL_MS = 30_000;

export function addKindController<T extends WithStatus, O>(
  manager: Pick<Manager, 'addController'>,
  deps: OperatorDeps,
  controller: KindController<T, O>,
): void {
  manager.addController({
    name: controller.name,
    for: controller.cache,
    watches: controller.watches ?? [],
    signals: controller.signals ?? [],
    reconcile: (key, scope) => reconcile(deps, controller, key, scope),
  });
}

async function reconcile<T extends WithStatus, O>(
  deps: OperatorDeps,
  controller: KindController<T, O>,
  key: ObjectKey,
  scope: Scope,
): Promise<Result> {
  const object = controller.cache.get(key);
  if (object === undefined) return settled();
  if (object.metadata.deletionTimestamp !== undefined && controller.finalizes !== true) return settled();
  const observed = await controller.observe(object);
  const { error, next } = await drive(controller, observed, scope);
  const status = controller.status(observed, { now: deps.clock.now(), config: deps.config, error });
  if (status !== undefined) {
    const statusDeps = { client: deps.client, kind: controller.kind, fieldManager: fieldManagerOf(controller.name) };
    const wrote = await writeStatus(statusDeps, afterOurWrites(controller.cache, object), status, scope);
    if (wrote) recordReadyChange(deps.events, object, status.conditions);
  }
  if (error?.reason === 'NameTaken') return requeueAfter(NAME_TAKEN_POLL_MS, 'a name of a child is taken');
  if (error !== undefined) throw error;
  return next;
}

async function drive<T extends WithStatus, O>(
  controller: KindController<T, O>,
  observed: O,
  scope: Scope,
): Promise<{ readonly error: OperatorError | undefined; readonly next: Result }> {
  try {
    return { error: undefined, next: (await controller.drive?.(observed, scope)) ?? settled() };
  } catch (cause) {
    return { error: toOperatorError(cause), next: settled() };
  }
}

/** The object as this pass left it (a finalizer, an annotation), so that the status fits on top; not with another spec. */
function afterOurWrites<T extends WithStatus>(cache: Cache<T>, object: DeepReadonly<T>): DeepReadonly<T> {
  const now = cache.get(keyOf(object));
  const isSame = now?.metadata.uid === object.metadata.uid && now?.metadata.generation === object.metadata.generation;
  return now !== undefined && isSame ? now : object;
}
