import { contentHash } from './canonical.ts';
import type { KubeClient } from './client.ts';
import { driftOf } from './drift.ts';
import { BlockedError, ignoreNotFound } from './errors.ts';
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
  const { client, fieldManager } = deps;
  const { kind } = child;
  const key = keyOf(child.object);
  const rendered = render(deps, child);
  const live = deps.live(kind, key) ?? (await readBeforeFirstApply(deps, kind, key, scope));
  if (live === OWNER_GONE) return false;
  if (live !== undefined) refuseForeign(deps, kind, live);
  if (live?.metadata.deletionTimestamp !== undefined) return false; // its deletion wakes us, and then it is made anew
  const drift = live === undefined ? ['absent'] : driftOf(rendered.object, live);
  if (live !== undefined && isConverged(client, live, rendered, drift)) return false;

  // The uid keeps a late request from hitting a namesake. The first apply does not force: whoever took the name between
  // our look and now keeps its fields, and we get a Conflict.
  const { uid } = live?.metadata ?? {};
  const object =
    uid === undefined ? rendered.object : { ...rendered.object, metadata: { ...rendered.object.metadata, uid } };
  const answer = await client.apply(kind, object, { fieldManager, force: live !== undefined, signal: scope.signal });
  remember(client, answer, { hash: rendered.hash, drift: driftOf(rendered.object, answer).join('\n') });
  scope.log.info(
    { child: `${kind.kind} ${keyToString(key)}`, drift: drift.map((line) => line.split('=')[0]) },
    'applied',
  );
  return true;
}

const OWNER_GONE = Symbol('owner gone');

/** The cache may be filtered, or behind, so before a name is used for the first time the server is asked. */
async function readBeforeFirstApply(
  { client, owner }: ApplyOwnedDeps,
  kind: KubeKind,
  key: ObjectKey,
  { signal }: Scope,
): Promise<KubeObject | undefined | typeof OWNER_GONE> {
  const live = await ignoreNotFound(client.get(kind, key, { signal }));
  if (live !== undefined) return live;
  return (await isStillThere(client, owner, signal)) ? undefined : OWNER_GONE;
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
