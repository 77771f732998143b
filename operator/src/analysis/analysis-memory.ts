import type { GatewayLoad } from '@slipway/crds/gateway-stream';
import { parseLatencyCounts } from '@slipway/crds/latency-counts';
import { NO_REQUESTS, sum } from './revision-statistics.ts';
import type { Pair, RevisionStatistics } from './revision-statistics.ts';

/**
 * What gateways told of the revisions of routes that are analysed, until it is collected. It goes with the process. Gateways
 * tell each request once, as what was since their last word: one that dies takes with it what it has not told.
 */
export class AnalysisMemory {
  /** By uid of the route, then by revision. */
  readonly #byRoute = new Map<string, Map<string, RevisionStatistics>>();

  /** From now on what is told of the route is remembered. */
  follow(route: string): void {
    if (!this.#byRoute.has(route)) this.#byRoute.set(route, new Map());
  }

  forget(route: string): void {
    this.#byRoute.delete(route);
  }

  /** What a gateway said. */
  take({ routes }: GatewayLoad): void {
    for (const { uid, revisions } of routes) {
      const known = this.#byRoute.get(uid);
      if (known === undefined) continue;
      for (const { revision, requests, errors, latencies = '' } of revisions) {
        if (requests === 0) continue;
        const told = { requests, errors, latencies: parseLatencyCounts(latencies) };
        known.set(revision, sum(known.get(revision) ?? NO_REQUESTS, told));
      }
    }
  }

  /** What was told of two revisions of a route that is followed, since it was followed or last collected. */
  collect(route: string, { candidate, stable }: { readonly candidate: string; readonly stable: string }): Pair {
    const known = this.#byRoute.get(route);
    const pair = { candidate: known?.get(candidate) ?? NO_REQUESTS, stable: known?.get(stable) ?? NO_REQUESTS };
    known?.clear();
    return pair;
  }
}
