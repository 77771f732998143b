/** What the gateways counted of revisions: sums, so that neither order nor portions matter, and what is lost is only missing. */
import { SLOWEST_STEP } from '@slipway/crds/latency-counts';
import type { LatencyCounts } from '@slipway/crds/latency-counts';

export interface RevisionStatistics {
  readonly requests: number;
  /** Those of them that failed by the fault of the servers. */
  readonly errors: number;
  /** How long they took; of fewer than `requests` where an older gateway does not tell. */
  readonly latencies: LatencyCounts;
}

export const NO_REQUESTS: RevisionStatistics = { requests: 0, errors: 0, latencies: new Map() };

/** Of the same time. */
export interface Pair {
  readonly candidate: RevisionStatistics;
  readonly stable: RevisionStatistics;
}

export const NO_PAIR: Pair = { candidate: NO_REQUESTS, stable: NO_REQUESTS };

export function sum(one: RevisionStatistics, other: RevisionStatistics): RevisionStatistics {
  const latencies = new Map(one.latencies);
  for (const [step, count] of other.latencies) latencies.set(step, (latencies.get(step) ?? 0) + count);
  return { requests: one.requests + other.requests, errors: one.errors + other.errors, latencies };
}

export function sumPairs(one: Pair, other: Pair): Pair {
  return { candidate: sum(one.candidate, other.candidate), stable: sum(one.stable, other.stable) };
}

export function countOf(latencies: LatencyCounts): number {
  return [...latencies.values()].reduce((total, count) => total + count, 0);
}

/** How many surely took longer than what a request of this step may have taken. */
export function slowerThan(latencies: LatencyCounts, step: number): number {
  let slower = 0;
  for (const [at, count] of latencies) if (at > step) slower += count;
  return slower;
}

/** The first step such that no more than `share` of all requests are in slower ones; undefined where there is none. */
export function stepOfSlowest(latencies: LatencyCounts, share: number): number | undefined {
  const all = countOf(latencies);
  if (all === 0) return undefined;
  let slower = 0;
  for (let step = SLOWEST_STEP; step > 0; step -= 1) {
    slower += latencies.get(step) ?? 0;
    if (slower > share * all) return step;
  }
  return 0;
}
