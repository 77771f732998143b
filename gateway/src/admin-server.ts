/** What watches a gateway, and no client of it: health, metrics, and which routes it applies. */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Registry } from 'prom-client';
import type { Stream } from './control/stream.ts';
import type { Backend, Route } from './routing/route.ts';
import type { RouteTable } from './routing/route-table.ts';

export interface AdminOptions {
  readonly table: Pick<RouteTable, 'list' | 'lostHosts'>;
  readonly registry: Registry;
  readonly stream: Pick<Stream, 'open'>;
  /** Why it should get no traffic; undefined when it should. */
  readonly obstacle: () => string | undefined;
}

const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 2_000 };

export function createAdminServer({ table, registry, stream, obstacle }: AdminOptions): Server {
  return createServer(TIMEOUTS, (request, response) => {
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    switch (request.url) {
      case '/healthz':
        json(200, { live: true });
        return;
      case '/readyz': {
        const why = obstacle();
        if (why === undefined) json(200, { ready: true });
        else json(503, { ready: false, error: why });
        return;
      }
      case '/metrics':
        registry.metrics().then(
          (text) => response.writeHead(200, { 'content-type': registry.contentType }).end(text),
          () => json(500, { error: 'the metrics cannot be written' }),
        );
        return;
      case '/routes':
        json(200, { routes: table.list().map((route) => describedRoute(route, table)) });
        return;
      case '/stream':
        stream.open(response);
        return;
      default:
        json(404, { error: 'there are /healthz, /readyz, /metrics, /routes and /stream' });
    }
  });
}

/** What the operator reads before it counts on a change. */
function describedRoute(route: Route, table: Pick<RouteTable, 'lostHosts'>) {
  const { namespace, name, uid, sequence, backends } = route;
  return {
    namespace,
    name,
    uid,
    sequence,
    lostHosts: table.lostHosts(route),
    backends: backends.map(describedBackend),
  };
}

function describedBackend({ revision, weight, pool: { endpoints } }: Backend) {
  const now = performance.now();
  const ejected = endpoints.filter(({ ejectedUntil }) => ejectedUntil > now).length;
  const inFlight = endpoints.reduce((sum, endpoint) => sum + endpoint.inFlight, 0);
  return { revision, weight, endpoints: endpoints.length, ejected, inFlight };
}
