/** What watches a gateway, and no client of it: health, metrics, and which routes it applies. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';
import type { AdmitOperator } from './access/operator-admission.ts';
import type { Stream } from './control/stream.ts';
import { fieldsOf, rawHeadersOf } from './proxy/raw-headers.ts';
import { refusalAnswer } from './proxy/refusal.ts';
import type { Refusal } from './proxy/refusal.ts';
import type { Backend, Route } from './routing/route.ts';
import type { RouteTable } from './routing/route-table.ts';

export interface AdminOptions {
  readonly table: Pick<RouteTable, 'list' | 'lostHosts'>;
  readonly registry: Registry;
  readonly stream: Pick<Stream, 'open'>;
  /** Why it should get no traffic; undefined when it should. */
  readonly obstacle: () => string | undefined;
  /** Who may read the stream. Default: everybody. */
  readonly admitOperator?: AdmitOperator | undefined;
}

const TIMEOUTS = { headersTimeout: 10_000, requestTimeout: 10_000, connectionsCheckingInterval: 2_000 };

export function createAdminServer(options: AdminOptions): Server {
  const { table, registry, stream, obstacle, admitOperator = () => Promise.resolve(undefined) } = options;
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
        void admitOperator(fieldsOf(request.rawHeaders)).then((refusal) => {
          if (response.destroyed) return;
          if (refusal === undefined) stream.open(response);
          else refuse(response, refusal);
        });
        return;
      default:
        json(404, { error: 'there are /healthz, /readyz, /metrics, /routes and /stream' });
    }
  });
}

function refuse(response: ServerResponse, refusal: Refusal): void {
  const { fields, body } = refusalAnswer(refusal, false, randomUUID());
  const [status, ...rest] = fields;
  response.writeHead(Number(status?.value), rawHeadersOf(rest)).end(body);
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
