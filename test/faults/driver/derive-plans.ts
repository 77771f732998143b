/** Plans come from what a fault-free run wrote: each write that changed something, with each thing that can happen to it. Pure. */
import { isWrite } from '../proxy/api-request.ts';
import type { ApiRequest } from '../proxy/api-request.ts';
import { isRequest } from '../proxy/journal.ts';
import type { Entry, RequestEntry } from '../proxy/journal.ts';
import { describeFault } from '../proxy/plan.ts';
import type { Action, Match, Plan } from '../proxy/plan.ts';
import { stableJobName, stableVersionName } from './masking.ts';

/** Leases are written for ever and say nothing; Events are for people, may be lost, and are written beside the work. */
const NO_TARGETS: readonly string[] = ['leases', 'events'];

export function derivePlans(journal: readonly Entry[], actionsOn: (write: RequestEntry) => readonly Action[]): Plan[] {
  const requests = journal.filter(isRequest);
  const writes = requests.filter((entry) => entry.effective && isTarget(entry.request));
  return writes.flatMap((write) => {
    const match = { ...matchOf(write.request), nth: rankOf(write, requests) };
    return actionsOn(write).map((action) => ({ name: describeFault({ match, action }), faults: [{ match, action }] }));
  });
}

/** The namespace is left out: each run has its own. */
function matchOf({ verb, group, resource, subresource, name }: ApiRequest): Match {
  return { verb, group, resource, subresource, name: stableTarget(resource, name) };
}

function stableTarget(resource: string, name: string): string {
  if (resource === 'jobs') return stableJobName(name);
  return ['modelversions', 'datasetversions'].includes(resource) ? stableVersionName(name) : name;
}

/** Failures in a row of an outage: enough for the pauses between them to have grown. */
const OUTAGE = 8;

/**
 * One plan for each sort of write that changed something: the API server is ill for a while, and only for those. Left out are the
 * sorts that are first written among the entries of the scene.
 */
export function deriveOutages(journal: readonly Entry[], sceneEntries: number): Plan[] {
  const writes = journal.filter(isRequest).filter((entry) => entry.effective && isTarget(entry.request));
  const sorts = new Map<string, { readonly match: Match; readonly first: RequestEntry }>();
  for (const write of writes) {
    const { verb, group, resource, subresource } = write.request;
    const match: Match = { verb, group, resource, subresource, nth: 1, times: OUTAGE };
    const sort = JSON.stringify(match);
    if (!sorts.has(sort)) sorts.set(sort, { match, first: write });
  }
  const action = { kind: 'status', code: 503 } as const;
  return [...sorts.values()]
    .filter(({ first }) => first.seq >= sceneEntries)
    .map(({ match }) => ({ name: describeFault({ match, action }), faults: [{ match, action }] }));
}

/** Every k-th plan, beginning with the seed: over the seeds, every plan has its turn. */
export function samplePlans(plans: readonly Plan[], count: number, seed: number): Plan[] {
  if (plans.length <= count) return [...plans];
  const stride = plans.length / count;
  const start = seed % plans.length;
  return Array.from({ length: count }, (_, index) => plans[(start + Math.floor(index * stride)) % plans.length]).filter(
    (plan) => plan !== undefined,
  );
}

function isTarget(request: ApiRequest): boolean {
  return isWrite(request) && !NO_TARGETS.includes(request.resource);
}

/** Which of the requests for the same thing this is, from 1; counted over all of them, as the proxy counts. */
function rankOf(write: RequestEntry, requests: readonly RequestEntry[]): number {
  const target = JSON.stringify(matchOf(write.request));
  const same = requests.filter(({ request }) => JSON.stringify(matchOf(request)) === target);
  return same.indexOf(write) + 1;
}
