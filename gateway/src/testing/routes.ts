/** Routes for tests: complete, with what the test says over it. */
import { EndpointPool } from '../routing/endpoint-pool.ts';
import type { Backend, Route } from '../routing/route.ts';

export function aBackend(
  revision: string,
  weight: number,
  more: Partial<Backend> & { at?: readonly string[] } = {},
): Backend {
  const { at = ['10.0.0.1'], ...rest } = more;
  const pool = new EndpointPool();
  pool.update(at);
  return { revision, modelVersion: undefined, weight, pool, httpPort: 8080, grpcPort: 9000, ...rest };
}

export function aRoute(backends: readonly [Backend, ...Backend[]], more: Partial<Route> = {}): Route {
  return {
    namespace: 'team-a',
    name: 'flights',
    uid: 'uid-1',
    sequence: 1,
    createdAt: 0,
    hosts: [],
    backends,
    stable: backends[0],
    sticky: undefined,
    mirrors: [],
    access: undefined,
    needsGatewayToken: false,
    sampling: undefined,
    timeoutMs: 60_000,
    hold: undefined,
    ...more,
  };
}
