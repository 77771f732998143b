/**
 * A model of the API server: as much of it as the operator leans on, as pure functions over immutable objects. Uids, versions,
 * preconditions, finalizers, and server-side apply as "an object is the sum of what its managers sent".
 */
import { deepFreeze } from '../../kube/src/store.ts';
import type { TrafficRoute } from '@slipway/crds';
import type { KubeObject, OwnerReference } from '@slipway/kube';
import { canonicalJson } from '../../kube/src/canonical.ts';
import { isWrite } from './requests.ts';
import type { Answer, ReadRequest, Request, WriteRequest } from './requests.ts';

/** `Kind/name`: everything is in one namespace. */
export type Id = string;
export type Objects = ReadonlyMap<Id, Stored>;

export interface Stored {
  readonly content: Content;
  /** The resourceVersion; only equality and order matter, see `state.ts`. */
  readonly version: number;
}

/** What an object says, without its resourceVersion. Equal contents are one and the same object. */
export interface Content {
  readonly number: number;
  readonly object: KubeObject & { readonly status?: unknown };
  /** What each manager sent last. */
  readonly sent: Readonly<Record<string, KubeObject>>;
  /** Every uid that is mentioned. */
  readonly uids: readonly string[];
}

/** The version of what was just written: above every other until the state is normalised. */
export const FRESH = 1_000;

const contents = new Map<string, Content>();

function contentOf(object: Content['object'], sent: Content['sent']): Content {
  const text = canonicalJson([object, sent]);
  const found = contents.get(text);
  if (found !== undefined) return found;
  const plain = deepFreeze(JSON.parse(text) as [Content['object'], Content['sent']]);
  const content = { number: contents.size, object: plain[0], sent: plain[1], uids: uidsIn(text) };
  contents.set(text, content);
  return content;
}

/** Uids look like `Kind/name#1`. */
export function uidsIn(text: string): readonly string[] {
  return [...new Set(text.match(/[A-Za-z]+\/[a-z0-9-]+#\d+/g))];
}

export function idOf(object: { readonly kind: string; readonly metadata: { readonly name: string } }): Id {
  return `${object.kind}/${object.metadata.name}`;
}

export function kindOf(id: Id): string {
  return id.slice(0, id.indexOf('/'));
}

export function objectsOfKind<T extends KubeObject>(objects: Objects, kind: string): T[] {
  const found = [...objects].filter(([id]) => kindOf(id) === kind);
  return found.map(([, { content }]) => content.object as T);
}

export interface ServerContext {
  readonly newUid: (id: Id) => string;
  /** RFC 3339 */
  readonly now: string;
}

export interface Outcome {
  readonly objects: Objects;
  readonly answer: Answer;
}

export function perform(objects: Objects, request: Request, server: ServerContext): Outcome {
  if (!isWrite(request)) return { objects, answer: readAnswer(objects, request) };
  const live = objects.get(request.id);
  const refusal = preconditionOf(request, live);
  if (refusal !== undefined) return { objects, answer: refusal };
  switch (request.verb) {
    case 'apply':
      return applied(objects, request, server);
    case 'status':
      return answered(withStatus(objects, request.id, request.status), request.id);
    case 'create':
      return live === undefined ? applied(objects, request, server) : { objects, answer: ALREADY_EXISTS };
    case 'patch':
      return live === undefined ? { objects, answer: NOT_FOUND } : patched(objects, live, request, server);
    default:
      return { objects: deleted(objects, request.id, server), answer: { kind: 'ok', stored: undefined } };
  }
}

function readAnswer(objects: Objects, { verb, id }: ReadRequest): Answer {
  const live = objects.get(id);
  if (verb === 'get') return live === undefined ? NOT_FOUND : ok(live);
  const items = [...objects].filter(([each]) => each.startsWith(id)).map(([, found]) => found);
  return { kind: 'ok', stored: undefined, items };
}

/** An object as its author applies it. */
export function apply(objects: Objects, object: KubeObject, server: ServerContext, manager = 'author'): Objects {
  return applied(objects, { id: idOf(object), object, manager }, server).objects;
}

export function withStatus(objects: Objects, id: Id, status: unknown): Objects {
  const live = objects.get(id);
  if (live === undefined) return objects;
  const { object, sent } = live.content;
  return stored(objects, id, contentOf({ ...object, status }, sent));
}

/** A delete: what has a finalizer stays until the finalizer goes. */
export function deleted(objects: Objects, id: Id, { now }: Pick<ServerContext, 'now'>): Objects {
  const live = objects.get(id);
  if (live === undefined) return objects;
  const { object, sent } = live.content;
  if ((object.metadata.finalizers ?? []).length === 0) return without(objects, [id]);
  const metadata = { ...object.metadata, deletionTimestamp: object.metadata.deletionTimestamp ?? now };
  return stored(objects, id, contentOf({ ...object, metadata }, sent));
}

export function without(objects: Objects, ids: readonly Id[]): Objects {
  return new Map([...objects].filter(([id]) => !ids.includes(id)));
}

const NOT_FOUND: Answer = { kind: 'error', code: 404, reason: 'NotFound' };
const ALREADY_EXISTS: Answer = { kind: 'error', code: 409, reason: 'AlreadyExists' };
const CONFLICT: Answer = { kind: 'error', code: 409, reason: 'Conflict' };

function ok(found: Stored): Answer {
  return { kind: 'ok', stored: found };
}

function preconditionOf(request: WriteRequest, live: Stored | undefined): Answer | undefined {
  if (live === undefined) return refusalWhereNothingIs(request);
  if (request.uid !== undefined && request.uid !== live.content.object.metadata.uid) return CONFLICT;
  if (request.verb === 'apply' && isOlderRoute(request.object, live.content.object)) return CONFLICT;
  return request.version === undefined || request.version === live.version ? undefined : CONFLICT;
}

/** The rule of TrafficRoutes: what says something else has a higher sequence. */
function isOlderRoute(next: KubeObject, live: KubeObject): boolean {
  if (next.kind !== 'TrafficRoute') return false;
  const [{ spec: wanted }, { spec }] = [next as TrafficRoute, live as TrafficRoute];
  return canonicalJson(wanted) !== canonicalJson(spec) && wanted.sequence <= spec.sequence;
}

/** Who deletes what is gone already has what he wants; who names a uid does not want a new object; a version counts for nothing. */
function refusalWhereNothingIs({ verb, uid }: WriteRequest): Answer | undefined {
  if (verb === 'delete') return { kind: 'ok', stored: undefined };
  if (verb === 'status') return NOT_FOUND;
  return uid === undefined ? undefined : CONFLICT;
}

function answered(objects: Objects, id: Id): Outcome {
  const now = objects.get(id);
  return { objects, answer: { kind: 'ok', stored: now } };
}

interface Apply {
  readonly id: Id;
  readonly object: KubeObject;
  readonly manager: string;
}

/** What an apply makes of what is there; the same request on the same content again and again, on many paths. */
const results = new WeakMap<KubeObject, Map<string, Content | undefined>>();

function applied(objects: Objects, { id, object, manager }: Apply, server: ServerContext): Outcome {
  const live = objects.get(id)?.content;
  const before = live === undefined ? `${server.newUid(id)} ${server.now}` : String(live.number);
  const known = results.get(object) ?? new Map<string, Content | undefined>();
  results.set(object, known);
  if (!known.has(before)) known.set(before, appliedContent(live, { id, object, manager }, server));
  const content = known.get(before);
  if (content === undefined) return { objects: without(objects, [id]), answer: { kind: 'ok', stored: undefined } };
  return answered(stored(objects, id, content), id);
}

/** Undefined when the last finalizer of a deleted object went. */
function appliedContent(
  live: Content | undefined,
  { id, object, manager }: Apply,
  server: ServerContext,
): Content | undefined {
  const sent = { ...live?.sent, [manager]: object };
  const sum = sumOf(Object.values(sent));
  if (live === undefined) {
    const own = { uid: server.newUid(id), generation: 1, creationTimestamp: server.now };
    return contentOf({ ...sum, metadata: { ...sum.metadata, ...own } }, sent);
  }
  const { uid, creationTimestamp, deletionTimestamp, generation = 0 } = live.object.metadata;
  if (deletionTimestamp !== undefined && (sum.metadata.finalizers ?? []).length === 0) return undefined;
  const own = { uid, creationTimestamp, deletionTimestamp, generation: generation + Number(isOtherSpec(sum, live)) };
  const metadata = { ...sum.metadata, ...own } as KubeObject['metadata'];
  return contentOf({ ...sum, metadata, status: live.object.status }, sent);
}

/** A write that changes nothing leaves the version as it is. */
function stored(objects: Objects, id: Id, content: Content): Objects {
  if (objects.get(id)?.content === content) return objects;
  return new Map(objects).set(id, { content, version: FRESH });
}

/** Patches add up, and go on top of what is applied: nothing in the model applies a field that somebody patches. */
const PATCHER = 'patch';

type PatchRequest = Extract<Request, { verb: 'patch' }>;

function patched(objects: Objects, live: Stored, { id, patch }: PatchRequest, server: ServerContext): Outcome {
  const { apiVersion, kind, metadata } = live.content.object;
  const before = live.content.sent[PATCHER] ?? { apiVersion, kind, metadata: { name: metadata.name } };
  return applied(objects, { id, object: merge(before, patch) as KubeObject, manager: PATCHER }, server);
}

function isOtherSpec(sum: KubeObject, live: Content): boolean {
  const spec = (object: Content['object']) => canonicalJson({ ...object, metadata: undefined, status: undefined });
  return spec(sum) !== spec(live.object);
}

function sumOf(parts: readonly KubeObject[]): KubeObject {
  return parts.reduce((sum, part) => merge(sum, part) as KubeObject);
}

/** Lists of the metadata add up, any other is its last sender's. */
function merge(a: unknown, b: unknown, field = ''): unknown {
  if (Array.isArray(a) && Array.isArray(b)) {
    if (field === 'finalizers') return [...new Set([...a, ...b])];
    return field === 'ownerReferences' ? mergeOwners(a as OwnerReference[], b as OwnerReference[]) : b;
  }
  if (!isRecord(a) || !isRecord(b)) return b === undefined ? a : b;
  const fields = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return Object.fromEntries(fields.map((name) => [name, merge(a[name], b[name], name)]));
}

function mergeOwners(a: readonly OwnerReference[], b: readonly OwnerReference[]): readonly OwnerReference[] {
  return [...a.filter(({ uid }) => !b.some((other) => other.uid === uid)), ...b];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
