import { contentHash } from './canonical.ts';
import type { KubeClient } from './client.ts';
import { driftOf } from './drift.ts';
import { BlockedError, ignoreNotFound, KubeApiError } from './errors.ts';
import { controllerOf } from './owner.ts';
import { compareResourceVersions } from './resource-version.ts';
import type { Scope } from './result.ts';
import {
  apiVersionOf,
  type DeepReadonly,
  keyOf,
  keyToString,
  type KubeKind,
  type KubeObject,
  type ObjectKey,
  type OwnerReference,
} from './types.ts';

/** A rendered child: its complete apply configuration, without owner references. */
export interface Child {
  readonly kind: KubeKind;
  readonly object: KubeObject;
}

export interface Owner {
  readonly kind: KubeKind;
  readonly object: DeepReadonly<KubeObject>;
}

export interface ApplyOwnedDeps {
  readonly client: KubeClient;
  /** Looks the child up in a cache; undefined when it is not there. */
  readonly live: (kind: KubeKind, key: ObjectKey) => DeepReadonly<KubeObject> | undefined;
  readonly owner: Owner;
  readonly fieldManager: string;
  /** The annotation that holds the hash of what was rendered, such as `slipway.dev/applied`. */
  readonly appliedAnnotation: string;
}

/**
 * Applies the children that are not yet as rendered, in order, with the owner as their controller. Returns how many
 * were written. A converged child costs no request, also after a restart.
 *
 * @throws BlockedError `NameTaken` when a child's name belongs to something that the owner does not control.
 */
export async function applyOwned(deps: ApplyOwnedDeps, children: readonly Child[], scope: Scope): Promise<number> {
  let writes = 0;
  for (const child of children) {
    if (await applyChild(deps, child, scope)) writes += 1;
  }
  return writes;
}

async function applyChild(deps: ApplyOwnedDeps, child: Child, scope: Scope): Promise<boolean> {
  const { kind } = child;
  const rendered = render(deps, child);
  const live = deps.live(kind, keyOf(child.object));
  return live === undefined
    ? makeChild(deps, kind, rendered, scope)
    : correctChild(deps, kind, { rendered, live }, scope);
}

/** A child of which no cache knows. The cache may be filtered, or behind, so this must not touch what has the name. */
async function makeChild(deps: ApplyOwnedDeps, kind: KubeKind, rendered: Rendered, scope: Scope): Promise<boolean> {
  const { client, owner } = deps;
  if (!(await isStillThere(client, owner, scope.signal))) return false;
  try {
    await write(deps, kind, { rendered, guard: { resourceVersion: NO_OBJECT_VERSION }, drift: ['absent'] }, scope);
    return true;
  } catch (cause) {
    if (!(cause instanceof KubeApiError && cause.isConflict)) throw cause;
  }
  const live = await ignoreNotFound(client.get(kind, keyOf(rendered.object), { signal: scope.signal }));
  return correctChild(deps, kind, { rendered, live }, scope);
}

/**
 * No object has this version, for etcd begins to count with it. An apply that names it makes what is not there, since the
 * server compares it with the version of what is stored, and is a Conflict on whatever is there, whosever it is.
 */
const NO_OBJECT_VERSION = '1';

interface Found {
  readonly rendered: Rendered;
  /** Undefined when what had the name is gone again. */
  readonly live: DeepReadonly<KubeObject> | undefined;
}

async function correctChild(
  deps: ApplyOwnedDeps,
  kind: KubeKind,
  { rendered, live }: Found,
  scope: Scope,
): Promise<boolean> {
  if (live !== undefined) refuseForeign(deps, kind, live);
  if (live?.metadata.deletionTimestamp !== undefined) return false; // its deletion wakes us, and then it is made anew
  const drift = live === undefined ? ['absent'] : driftOf(rendered.object, live);
  if (live !== undefined && isConverged(deps.client, live, rendered, drift)) return false;
  // The uid keeps a late request from hitting a namesake.
  const { uid } = live?.metadata ?? {};
  await write(deps, kind, { rendered, guard: uid === undefined ? {} : { uid }, drift }, scope);
  return true;
}

interface Write {
  readonly rendered: Rendered;
  /** What must hold of what is there. Only who knows its uid takes fields over from others. */
  readonly guard: { readonly uid?: string; readonly resourceVersion?: string };
  readonly drift: readonly string[];
}

async function write(
  { client, fieldManager }: ApplyOwnedDeps,
  kind: KubeKind,
  { rendered: { object, hash }, guard, drift }: Write,
  { signal, log }: Scope,
): Promise<void> {
  const guarded = { ...object, metadata: { ...object.metadata, ...guard } };
  const answer = await client.apply(kind, guarded, { fieldManager, force: guard.uid !== undefined, signal });
  remember(client, answer, { hash, drift: driftOf(object, answer).join('\n') });
  log.info(
    { child: `${kind.kind} ${keyToString(keyOf(object))}`, drift: drift.map((line) => line.split('=')[0]) },
    'applied',
  );
}

/**
 * Asks the server whether the owner, by its uid, exists and is not being deleted. Before a child is made: its deletion may
 * have reached its cache before that of its owner did, and the child would be made again.
 */
export async function isStillThere(
  client: KubeClient,
  { kind, object }: Owner,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const present = await ignoreNotFound(client.get(kind, keyOf(object), { signal }));
  return present?.metadata.uid === object.metadata.uid && present?.metadata.deletionTimestamp === undefined;
}

interface Rendered {
  readonly object: KubeObject;
  readonly hash: string;
}

function render({ owner, appliedAnnotation }: ApplyOwnedDeps, { kind, object }: Child): Rendered {
  const { namespace } = owner.object.metadata;
  if (namespace !== undefined && object.metadata.namespace !== namespace) {
    throw new Error(
      `${kind.kind} ${keyToString(keyOf(object))} cannot be owned from namespace ${namespace}: owner and child must share one`,
    );
  }
  const owned = { ...object, metadata: { ...object.metadata, ownerReferences: [referenceTo(owner)] } };
  const hash = contentHash(owned);
  const annotations = { ...object.metadata.annotations, [appliedAnnotation]: hash };
  return { object: { ...owned, metadata: { ...owned.metadata, annotations } }, hash };
}

function referenceTo({ kind, object }: Owner): OwnerReference {
  const { name, uid } = object.metadata;
  if (uid === undefined)
    throw new Error(`${kind.kind} ${name} has no uid: only an object read from the API can own another`);
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

/** Force would silently take over what somebody else made. Ours, restored from a backup without its owner, comes home. */
function refuseForeign(
  { owner, appliedAnnotation }: ApplyOwnedDeps,
  kind: KubeKind,
  live: DeepReadonly<KubeObject>,
): void {
  const controller = controllerOf(live);
  if (controller?.uid === owner.object.metadata.uid) return;
  if (controller === undefined && live.metadata.annotations?.[appliedAnnotation] !== undefined) return;
  const holder =
    controller === undefined ? 'was not made by this operator' : `belongs to ${controller.kind} "${controller.name}"`;
  const name = keyToString(keyOf(live));
  throw new BlockedError(
    'NameTaken',
    `${kind.kind} "${name}" already exists and ${holder}. Delete or rename one of the two.`,
  );
}

/**
 * What the server answered to the last apply. When that answer still differed from what was rendered (the server or a
 * webhook writes a field in its own way), another apply would change nothing: the same difference counts as converged.
 */
interface Answer {
  readonly hash: string;
  readonly drift: string;
  readonly resourceVersion: string | undefined;
}

const MAX_ANSWERS = 20_000;
const answersOf = new WeakMap<KubeClient, Map<string, Answer>>();

function remember(client: KubeClient, { metadata }: KubeObject, answer: Omit<Answer, 'resourceVersion'>): void {
  if (metadata.uid === undefined) return;
  const answers = answersOf.get(client) ?? new Map<string, Answer>();
  answersOf.set(client, answers);
  answers.delete(metadata.uid);
  answers.set(metadata.uid, { ...answer, resourceVersion: metadata.resourceVersion });
  const oldest = answers.keys().next().value;
  if (answers.size > MAX_ANSWERS && oldest !== undefined) answers.delete(oldest);
}

function isConverged(
  client: KubeClient,
  live: DeepReadonly<KubeObject>,
  { hash }: Rendered,
  drift: readonly string[],
): boolean {
  if (drift.length === 0) return true; // the hash is one of the compared fields
  const answer = answersOf.get(client)?.get(live.metadata.uid ?? '');
  if (answer?.hash !== hash) return false;
  const isOlder = compareResourceVersions(live.metadata.resourceVersion, answer.resourceVersion) < 0;
  return isOlder || answer.drift === drift.join('\n');
}

export interface LiveObject {
  readonly kind: KubeKind;
  readonly object: DeepReadonly<KubeObject>;
}

/**
 * Deletes the candidates that `keep` does not want, if the owner controls them: with their uid as a precondition, in
 * the background. Returns how many.
 */
export async function pruneOwned(
  { client, owner }: Pick<ApplyOwnedDeps, 'client' | 'owner' | 'fieldManager'>,
  candidates: readonly LiveObject[],
  keep: (candidate: LiveObject) => boolean,
  scope: Scope,
): Promise<number> {
  const ownerUid = owner.object.metadata.uid;
  let deleted = 0;
  for (const candidate of candidates) {
    const { kind, object } = candidate;
    const { uid, deletionTimestamp } = object.metadata;
    const isOurs = uid !== undefined && ownerUid !== undefined && controllerOf(object)?.uid === ownerUid;
    if (!isOurs || deletionTimestamp !== undefined || keep(candidate)) continue;
    await client.delete(kind, keyOf(object), { uid, signal: scope.signal });
    scope.log.info({ child: `${kind.kind} ${keyToString(keyOf(object))}` }, 'deleted');
    deleted += 1;
  }
  return deleted;
}
