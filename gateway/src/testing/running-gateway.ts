/** The data plane in this process, with routes that the test sets. */
import { request as httpRequest } from 'node:http';
import type { Agent, IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { NO_GATEWAY_TOKENS } from '../access/gateway-tokens.ts';
import { startDataPlane } from '../data-plane.ts';
import type { DataPlane, DataPlaneOptions } from '../data-plane.ts';
import { createLoads } from '../proxy/loads.ts';
import type { Loads } from '../proxy/loads.ts';
import { createGatewayMetrics } from '../proxy/metrics.ts';
import { createRouteTable } from '../routing/route-table.ts';
import type { RouteTable } from '../routing/route-table.ts';
import { startSampling } from '../sampling/start-sampling.ts';
import type { SamplingOptions } from '../sampling/start-sampling.ts';

export interface RunningGateway extends DataPlane {
  readonly table: RouteTable;
  readonly loads: Loads;
  /** Faults of its own; a test expects none. */
  readonly faults: readonly unknown[];
  /** What it said of samples. */
  readonly said: readonly string[];
  /** The value of a metric, of all series that have these labels. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

/** `sampling`: it keeps samples; when it stops, they are in their files. */
export async function startGateway(
  options: Partial<DataPlaneOptions> = {},
  sampling?: Partial<SamplingOptions> & Pick<SamplingOptions, 'folder'>,
): Promise<RunningGateway> {
  const registry = new Registry();
  const table = createRouteTable('cluster.local');
  const loads = createLoads(() => performance.now());
  const faults: unknown[] = [];
  const said: string[] = [];
  const metrics = createGatewayMetrics(registry, loads);
  const say = (_fields: object, message: string) => void said.push(message);
  const kept =
    sampling &&
    startSampling({
      sizeLimit: 1024 ** 3,
      retentionMs: 3_600_000,
      hostName: 'gateway-a',
      incarnation: '0000000a',
      registry,
      metrics,
      log: { info: say, warn: say },
      now: () => performance.now(),
      wallClock: () => Date.now(),
      ...sampling,
    });
  const plane = await startDataPlane({
    table,
    // Only routes with `access` ask.
    callers: { of: () => undefined },
    gatewayTokens: NO_GATEWAY_TOKENS,
    metrics,
    sampler: kept?.sampler,
    host: '127.0.0.1',
    port: 0,
    connections: { total: 10_000, perAddress: 10_000 },
    onFault: (cause) => faults.push(cause),
    ...options,
  });
  return {
    ...plane,
    table,
    loads,
    faults,
    said,
    stop: async (graceMs) => {
      await plane.stop(graceMs);
      await kept?.close();
    },
    metric: async (name, labels = {}) => {
      const all = await registry.getMetricsAsJSON();
      const values = all.find((metric) => metric.name === `slipway_gateway_${name}`)?.values ?? [];
      const wanted = values.filter((value) =>
        Object.entries(labels).every(([label, of]) => (value.labels as Record<string, unknown>)[label] === of),
      );
      return wanted.reduce((sum, { value }) => sum + value, 0);
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Asking {
  readonly port: number;
  readonly path: string;
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent | false;
}

export const FLIGHTS = 'flights.team-a.svc';

/** One request over HTTP/1.1, by Node's client, which tries nothing twice. Rejects where there is no answer. */
export function ask({ port, path, method, host = FLIGHTS, headers = {}, body, agent }: Asking): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      host: '127.0.0.1',
      port,
      path,
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: { host, ...headers },
      ...(agent === undefined ? {} : { agent }),
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.end(body);
  });
}

export const INFER = '/v2/models/add/infer';

export function row(...data: readonly [number, number]): string {
  return JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data }] });
}

/** Ports that are free on every address of the loopback. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '0.0.0.0', () => resolve((server.address() as AddressInfo).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const PATIENCE = { timeout: 30_000, interval: 20 };

/** `expect` of what is not so at once, on a machine that may have other things to do. */
export function eventually<T>(look: () => T) {
  return expect.poll(look, PATIENCE);
}
