/** What must hold of the traffic of the program under test. Pure; each problem is one line. */
import type { ApiRequest } from '../proxy/api-request.ts';
import { isWrite } from '../proxy/api-request.ts';
import { describeEntry, isRequest } from '../proxy/journal.ts';
import type { Entry, RequestEntry } from '../proxy/journal.ts';

/** More writes to one object than this in one run are a loop; in a long one, more for each step. */
const MAX_WRITES = 40;
const MAX_WRITES_OF_A_STEP = 10;

/** By the name under which a report says which of them failed. `steps`: how many the workload has. */
export const JOURNAL_ORACLES: Readonly<Record<string, (journal: readonly Entry[], steps: number) => string[]>> = {
  secretAccess,
  refusals,
  invalidRequests,
  tooManyWrites: (journal, steps) => tooManyWrites(journal, Math.max(MAX_WRITES, steps * MAX_WRITES_OF_A_STEP)),
  overlappingWrites,
  hammering,
  unguardedWrites,
};

/** The operator reads no Secrets, whatever it is allowed to. */
export function secretAccess(journal: readonly Entry[]): string[] {
  const touching = journal.filter(isRequest).filter(({ request }) => request.resource === 'secrets');
  return touching.map((entry) => `touched a Secret: ${describeEntry(entry)}`);
}

/** The rules that the program runs with are too narrow. */
export function refusals(journal: readonly Entry[]): string[] {
  const refused = journal
    .filter(isRequest)
    .filter(({ status, fault, namespaceEnds }) => status === 403 && fault === '' && !namespaceEnds);
  return [...new Set(refused.map(({ request }) => `was forbidden to ${describeRequest(request)}`))];
}

/** Requests that the API server called wrong: the program wrote something that can never work. */
export function invalidRequests(journal: readonly Entry[]): string[] {
  const invalid = journal
    .filter(isRequest)
    .filter(({ status, fault }) => fault === '' && [400, 405, 415, 422].includes(status));
  return [
    ...new Set(
      invalid.map(({ request, status }) => `sent an invalid request (${status}): ${describeRequest(request)}`),
    ),
  ];
}

/** Writes to one object that come faster than any wanted change needs. */
export function tooManyWrites(journal: readonly Entry[], limit: number): string[] {
  const counts = new Map<string, number>();
  for (const { request } of writesOf(journal)) {
    const key = describeRequest(request);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > limit)
    .map(([key, count]) => `${count} times: ${key}; at most ${limit}`);
}

/** Two writes to one thing at a time: a key was worked on twice at once, and the slower pass wins with an older view. */
export function overlappingWrites(journal: readonly Entry[]): string[] {
  const running = new Map<string, RequestEntry>();
  const found = new Set<string>();
  // What a fault holds, cuts or delivers late is answered in another order than the program saw.
  for (const entry of writesOf(journal).filter(({ fault }) => fault === '')) {
    const key = `${describeRequest(entry.request)} of life ${entry.incarnation}`;
    const before = running.get(key);
    if (before !== undefined && entry.arrived < before.answered) found.add(`two at a time: ${key}`);
    running.set(key, entry);
  }
  return [...found];
}

/**
 * Failures in a row, and the milliseconds that so many take at least. Waits that double take 600, but news of the objects beside
 * one wakes it too, and there is much of that after a start.
 */
const BURST = 8;
const BURST_MS = 100;

/** Failed requests that are tried again without a pause: a whole operator of those keeps an ill API server ill. */
export function hammering(journal: readonly Entry[]): string[] {
  const bursts = new Map<string, RequestEntry[]>();
  const found = new Set<string>();
  for (const entry of writesOf(journal)) {
    const key = describeRequest(entry.request);
    const isFailure = entry.status >= 500 || entry.status === 429;
    const burst = isFailure ? [...(bursts.get(key) ?? []), entry].slice(-BURST) : [];
    bursts.set(key, burst);
    const ms = (burst.at(-1)?.atMs ?? 0) - (burst[0]?.atMs ?? 0);
    if (burst.length === BURST && ms < BURST_MS) found.add(`failed ${BURST} times within ${BURST_MS} ms: ${key}`);
  }
  return [...found];
}

const PRODUCED = ['modelversions', 'datasetversions'];

/** What was produced stays, whatever becomes of what produced it: only people delete it, and retention deletes what is too much. */
export function deletesOfProduced(journal: readonly Entry[], retires: readonly string[]): string[] {
  const deletes = writesOf(journal).filter(({ request }) => request.verb === 'delete');
  return deletes
    .filter(({ request: { resource, name } }) => PRODUCED.includes(resource) && !retires.includes(name))
    .map((entry) => `deleted what was produced: ${describeEntry(entry)}`);
}

/** Deletes that would hit a namesake, and statuses and numbers of pods that would go over what somebody else wrote since. */
export function unguardedWrites(journal: readonly Entry[]): string[] {
  const unguarded = writesOf(journal).filter(
    ({ request, insists }) =>
      (request.verb === 'delete' && !insists.onUid) ||
      (['status', 'scale'].includes(request.subresource) && !insists.onVersion),
  );
  return [
    ...new Set(unguarded.map(({ request }) => `does not insist on what it has seen: ${describeRequest(request)}`)),
  ];
}

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Grants that no run used, as `group/resource verb`: each is a right that a stolen token would have for nothing. */
export function unusedGrants(rules: readonly Rule[], journals: readonly (readonly Entry[])[]): string[] {
  const used = new Set(
    journals.flatMap((journal) => journal.filter(isRequest).flatMap(({ request }) => rightsFor(request))),
  );
  const granted = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((name) => verbs.map((verb) => `${group}/${name} ${verb}`))),
  );
  return granted.filter((right) => !used.has(right));
}

/** What RBAC asks for; an apply may need both, as it may create. */
function rightsFor({ verb, group, resource, subresource }: ApiRequest): string[] {
  const what = `${group}/${resource}${subresource === '' ? '' : `/${subresource}`}`;
  return verb === 'apply' ? [`${what} patch`, `${what} create`] : [`${what} ${verb}`];
}

/** Writes but those of Leases, which go on for ever, and of Events, which are written beside the work. */
export function writesOf(journal: readonly Entry[]): RequestEntry[] {
  return journal
    .filter(isRequest)
    .filter(({ request }) => isWrite(request) && !['leases', 'events'].includes(request.resource));
}

function describeRequest({ verb, resource, subresource, name }: ApiRequest): string {
  return `${verb} ${resource}${subresource === '' ? '' : `/${subresource}`} ${name}`;
}
