/** What went through the proxy, in order. Plans are derived from it, and some oracles read it. */
import { createHash } from 'node:crypto';
import type { ApiRequest, ObjectFacts } from './api-request.ts';
import { isWrite, parseObject } from './api-request.ts';

export interface RequestEntry {
  readonly type: 'request';
  readonly seq: number;
  /** Milliseconds since the journal began. */
  readonly atMs: number;
  readonly request: ApiRequest;
  readonly userAgent: string;
  /** Which life of the client under test sent it, from 1; it grows with every restart. */
  readonly incarnation: number;
  /** sha256 of the body's bytes; empty where there is none. */
  readonly bodyHash: string;
  /** 0 where the API server never answered, because of a fault or because it was cut. */
  readonly status: number;
  readonly uid: string;
  readonly resourceVersionBefore: string;
  readonly resourceVersionAfter: string;
  /** A write after which the object has another version than any seen here before, or is gone. */
  readonly effective: boolean;
  /** Places in the order of all that came and went: what came before another was answered ran beside it. */
  readonly arrived: number;
  readonly answered: number;
  /** What the write insists on: without, it may hit a namesake, or what it has not seen. */
  readonly insists: { readonly onUid: boolean; readonly onVersion: boolean };
  /** Refused because its namespace is being deleted: nobody can know that beforehand. */
  readonly namespaceEnds: boolean;
  /** The action that struck it. */
  readonly fault: string;
}

export interface WatchEventEntry {
  readonly type: 'event';
  readonly seq: number;
  readonly atMs: number;
  readonly incarnation: number;
  readonly resource: string;
  readonly group: string;
  readonly event: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export type Entry = RequestEntry | WatchEventEntry;

export interface Journal {
  readonly entries: readonly Entry[];
  /** Call as a request comes in; the mark tells what was known by then. */
  arrived(): number;
  /** Call as a request ends. Its response body tells uid and version. */
  answered(what: Answered): void;
  /** One line of a watch. */
  watched(request: ApiRequest, line: Buffer): void;
  /** The client under test starts again. */
  nextIncarnation(): void;
  /** Whether the present life of the client has sent anything yet. */
  isHeard(): boolean;
  /** Milliseconds since the present life of the client last sent or got something; 0 while nothing of it was heard yet. */
  idleMs(): number;
}

export interface Answered {
  /** From `arrived`. */
  readonly mark: number;
  readonly request: ApiRequest;
  readonly userAgent: string;
  readonly body: Buffer;
  readonly status: number;
  readonly response: Buffer;
  readonly fault: string;
}

export function createJournal(now: () => number): Journal {
  const entries: Entry[] = [];
  const versions: Versions = new Map();
  let marks = 0;
  const started = now();
  /** The marks at which the second life began, the third, and so on. */
  const restarts: number[] = [];
  let heardAtMs: number | undefined;

  function base(mark = marks) {
    const incarnation = 1 + restarts.filter((restart) => restart < mark).length;
    const atMs = Math.round(now() - started);
    if (incarnation > restarts.length) heardAtMs = atMs;
    return { seq: entries.length, atMs, incarnation };
  }

  return {
    entries,
    arrived: () => ++marks,
    answered(what) {
      const object = parseObject(what.response);
      entries.push({
        // What a dead client wrote may be answered while the next one is at work.
        ...base(what.mark),
        ...requestFacts(what, factsOf(object), versions),
        namespaceEnds: isNamespaceEnd(object),
        answered: ++marks,
      });
      for (const seen of object?.items ?? [object]) remember(versions, seen, ++marks);
    },
    watched(request, line) {
      const event = parseObject(line) as { type?: string; object?: ObjectFacts } | undefined;
      const { name, namespace, uid, resourceVersion } = factsOf(event?.object);
      const { resource, group } = request;
      const type = event?.type ?? 'UNREADABLE';
      entries.push({ ...base(), type: 'event', resource, group, event: type, name, namespace, uid, resourceVersion });
      remember(versions, event?.object, ++marks);
    },
    nextIncarnation() {
      restarts.push(marks++);
      heardAtMs = undefined;
    },
    isHeard: () => heardAtMs !== undefined,
    idleMs: () => (heardAtMs === undefined ? 0 : now() - started - heardAtMs),
  };
}

type Base = 'seq' | 'atMs' | 'incarnation';

function requestFacts(
  { mark, request, userAgent, body, status, fault }: Answered,
  { uid, resourceVersion }: Facts,
  versions: Versions,
): Omit<RequestEntry, Base | 'answered' | 'namespaceEnds'> {
  const before = versions.get(uid)?.findLast((known) => known.mark <= mark)?.version ?? '';
  const ok = status >= 200 && status < 300;
  const gone = request.verb === 'delete' || request.verb === 'deletecollection';
  return {
    type: 'request',
    request,
    userAgent,
    bodyHash: body.length === 0 ? '' : createHash('sha256').update(body).digest('hex'),
    status,
    uid,
    resourceVersionBefore: before,
    resourceVersionAfter: resourceVersion,
    effective: ok && isWrite(request) && (gone || before !== resourceVersion),
    arrived: mark,
    insists: insistenceOf(body),
    fault,
  };
}

/** A delete has preconditions, a patch the uid and the version in the metadata of its body. */
function insistenceOf(body: Buffer): RequestEntry['insists'] {
  const object = parseObject(body);
  const { uid, resourceVersion } = object?.preconditions ?? object?.metadata ?? {};
  return { onUid: uid !== undefined, onVersion: resourceVersion !== undefined };
}

interface Facts {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** A delete is answered with a Status that has the uid in its details. */
function factsOf(object: ObjectFacts | undefined): Facts {
  const { name = '', namespace = '', uid = object?.details?.uid ?? '', resourceVersion = '' } = object?.metadata ?? {};
  return { name, namespace, uid, resourceVersion };
}

function isNamespaceEnd(object: ObjectFacts | undefined): boolean {
  return object?.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}

/** By uid, the versions that were seen, in the order in which they came. */
type Versions = Map<string, { readonly version: string; readonly mark: number }[]>;

/**
 * The event of a write may come before its answer, and an old event after it: what counts is what was known when the request
 * came in, and a version never goes back.
 */
function remember(versions: Versions, object: ObjectFacts | undefined, mark: number): void {
  const { uid, resourceVersion } = object?.metadata ?? {};
  if (uid === undefined || resourceVersion === undefined) return;
  const known = versions.get(uid) ?? [];
  const newest = known.at(-1)?.version;
  if (newest === undefined || BigInt(resourceVersion) > BigInt(newest)) known.push({ version: resourceVersion, mark });
  versions.set(uid, known);
}

export function isRequest(entry: Entry): entry is RequestEntry {
  return entry.type === 'request';
}

export function describeEntry({ request, status, fault, incarnation, effective }: RequestEntry): string {
  const what = [request.resource || request.path, request.subresource].filter((part) => part !== '').join('/');
  const how = [effective ? 'effective' : '', fault].filter((part) => part !== '').join(', ');
  return `[${incarnation}] ${request.verb} ${what} ${request.name} ${status}${how === '' ? '' : ` (${how})`}`;
}
