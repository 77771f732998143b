import type { Endpoint, Outcome } from '../routing/endpoint-pool.ts';
import type { Backend, Route } from '../routing/route.ts';
import type { CallDeps } from './deps.ts';

export interface Asked {
  readonly route: Route;
  readonly backend: Backend;
  readonly endpoint: Endpoint;
}

/** Tells the pool how a request ended at a pod, and counts where that leaves the pod out. */
export function report(
  { metrics, now }: Pick<CallDeps, 'metrics' | 'now'>,
  { route, backend, endpoint }: Asked,
  outcome: Outcome,
): void {
  if (backend.pool.report(endpoint, outcome, now())) metrics.of(route, backend).ejected();
}
