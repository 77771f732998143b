import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';
import { createLogLevelServer } from './log-level.ts';
import type { LogLevelControl } from './log-level.ts';

export interface HttpEndpoints {
  readonly healthPort: number;
  readonly metricsPort: number;
  readonly logLevelPort: number;
  close(): Promise<void>;
}

export interface HttpEndpointsOptions {
  /** 0 lets the machine choose. */
  readonly healthPort: number;
  readonly metricsPort: number;
  readonly logLevelPort: number;
  readonly registry: Registry;
  readonly logLevel: LogLevelControl;
  readonly ready: () => { readonly ok: boolean; readonly why?: string };
}

/**
 * `/healthz` (this process answers) and `/readyz` (its view of the cluster is complete) on one port, `/metrics` on another, and
 * `/log-level` on one that only the pod itself reaches, and whoever may `kubectl port-forward` to it.
 */
export async function startHttpEndpoints(options: HttpEndpointsOptions): Promise<HttpEndpoints> {
  const health = createServer((request, response) => {
    const path = pathOf(request);
    if (path === '/healthz') return answer(response, 200, 'ok\n');
    if (path !== '/readyz') return answer(response, 404, 'there are /healthz and /readyz\n');
    const { ok, why } = options.ready();
    return answer(response, ok ? 200 : 503, `${ok ? 'ok' : (why ?? 'not ready')}\n`);
  });
  const metrics = createServer((request, response) => {
    if (pathOf(request) !== '/metrics') return answer(response, 404, 'there is /metrics\n');
    options.registry.metrics().then(
      (text) => answer(response, 200, text, options.registry.contentType),
      () => answer(response, 500, 'the metrics could not be read\n'),
    );
  });
  const logLevel = createLogLevelServer(options.logLevel);
  const healthPort = await listen(health, options.healthPort);
  const metricsPort = await listen(metrics, options.metricsPort);
  const logLevelPort = await listen(logLevel, options.logLevelPort, '127.0.0.1');
  return {
    healthPort,
    metricsPort,
    logLevelPort,
    close: async () => {
      await Promise.all([health, metrics, logLevel].map(closeServer));
    },
  };
}

/** People ask with `?verbose`, and scrapers with parameters of their own. */
function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?')[0] ?? '';
}

function answer(response: ServerResponse, status: number, text: string, contentType = 'text/plain'): void {
  response.writeHead(status, { 'content-type': contentType }).end(text);
}

/** @throws Error that names the port, where it cannot be had. */
function listen(server: Server, port: number, host?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Error(`cannot listen on port ${port}: ${cause.message}`, { cause })));
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
