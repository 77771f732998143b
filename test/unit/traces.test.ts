/** What the controller runtime tells a collector of OpenTelemetry, by the SDK that the operator installs. */
import { builtin, createKubeClient, realClock, settled } from '@slipway/kube';
import type { KubeClient } from '@slipway/kube';
import { createMemoryLog } from '@slipway/kube/testing/fixtures.ts';
import { sendJson, sendStatus, startScriptedServer } from '@slipway/kube/testing/scripted-server.ts';
import { startTracing } from '@slipway/telemetry';
import { startCollector } from '@slipway/telemetry/testing/collector.ts';
import type { CollectedSpan } from '@slipway/telemetry/testing/collector.ts';
import { Registry } from 'prom-client';
import { beforeAll, expect, it, vi } from 'vitest';
import { createControllerLoop } from '../../kube/src/controller.ts';

const KEY = { namespace: 'team', name: 'a' };
const PATH = '/api/v1/namespaces/team/configmaps/a';
let spans: readonly CollectedSpan[];
let traceparents: ReadonlyMap<string, string>;

/** A pass that reads, and one that fails to write, beside a request that belongs to none. */
beforeAll(async () => {
  const collector = await startCollector();
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.endpoint);
  vi.stubEnv('OTEL_EXPORTER_OTLP_PROTOCOL', 'http/json');
  const tracing = await startTracing({ serviceName: 's', serviceVersion: '1', environment: process.env, warn: fail });
  const server = await startScriptedServer(({ method }, response) =>
    method === 'PATCH' ? sendStatus(response, 500, 'InternalError') : sendJson(response, 200, {}),
  );
  const shared = { registry: new Registry(), clock: realClock, log: createMemoryLog() };
  const client = createKubeClient({ kubeConfig: server.kubeConfig, userAgent: 'test', ...shared });
  await client.get(builtin.ConfigMap, { ...KEY, name: 'outside' });
  await reconcileOnce('thing.reads', shared, () => client.get(builtin.ConfigMap, KEY));
  await reconcileOnce('thing.writes', shared, () => write(client));
  await tracing.stop();
  spans = collector.spans;
  traceparents = new Map(
    server.received.map(({ method, path, headers }) => [`${method} ${path}`, String(headers['traceparent'])]),
  );
  await client.close();
  await server.close();
  collector.close();
  vi.unstubAllEnvs();
});

type Shared = Pick<Parameters<typeof createControllerLoop>[0], 'registry' | 'clock' | 'log'>;

async function reconcileOnce(name: string, shared: Shared, work: () => Promise<unknown>): Promise<void> {
  const stop = new AbortController();
  const loop = createControllerLoop({
    ...shared,
    name,
    workers: 1,
    random: () => 1,
    drainMs: 5_000,
    reconcile: async () => {
      stop.abort();
      await work();
      return settled();
    },
  });
  loop.queue.add('team/a', 'created');
  await loop.run({ stop: stop.signal, abandon: new AbortController().signal });
}

function write(client: KubeClient): Promise<unknown> {
  return client.mergePatch(builtin.ConfigMap, KEY, {}, { fieldManager: 'me' });
}

function fail(message: string): never {
  throw new Error(message);
}

function spanCalled(name: string): CollectedSpan {
  return spans.find((span) => span.name === name) ?? fail(`no span ${name}`);
}

it('a pass is a trace that names controller, object and result', () => {
  const { parentSpanId, attributes, status } = spanCalled('reconcile thing.reads');

  expect(parentSpanId ?? '').toBe('');
  expect(attributes).toMatchObject({
    'slipway.controller': 'thing.reads',
    'k8s.namespace.name': 'team',
    'slipway.object.name': 'a',
    'slipway.reconcile.reasons': { values: [{ stringValue: 'created' }] },
    'slipway.reconcile.result': 'settled',
  });
  expect(attributes['slipway.reconcile.id']).toMatch(/^[0-9a-f-]{36}$/);
  expect(status.code).not.toBe(2);
});

it('its requests are spans below it, without what the query holds', () => {
  const reads = spanCalled('reconcile thing.reads');
  const { parentSpanId, traceId, kind, attributes } = spanCalled('GET');

  expect([parentSpanId, traceId, kind]).toEqual([reads.spanId, reads.traceId, 3]);
  expect(attributes).toMatchObject({ 'http.request.method': 'GET', 'http.response.status_code': 200 });
  expect(attributes['url.full']).toMatch(new RegExp(`^http://127.0.0.1:\\d+${PATH}$`));
});

it('what fails is an error, and says why', () => {
  expect(spanCalled('reconcile thing.writes')).toMatchObject({
    attributes: { 'slipway.reconcile.result': 'backoff', 'error.type': 'InternalError' },
    status: { code: 2, message: expect.stringContaining('InternalError says the script') as string },
  });
  expect(spanCalled('PATCH')).toMatchObject({
    attributes: { 'http.response.status_code': 500, 'error.type': '500' },
    status: { code: 2 },
  });
});

it('the API server gets the context, and a request of nobody has none', () => {
  const { traceId, spanId } = spanCalled('GET');

  expect(traceparents.get(`GET ${PATH}`)).toBe(`00-${traceId}-${spanId}-01`);
  expect(traceparents.get(`GET ${PATH.replace(/a$/, 'outside')}`)).toBe('undefined');
  expect(spans.map(({ name }) => name).toSorted()).toEqual([
    'GET',
    'PATCH',
    'reconcile thing.reads',
    'reconcile thing.writes',
  ]);
});
