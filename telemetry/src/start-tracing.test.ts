import { context, propagation, trace } from '@opentelemetry/api';
import { afterEach, expect, it, vi } from 'vitest';
import type { Collector } from './testing/collector.ts';
import { startCollector } from './testing/collector.ts';
import type { Tracing } from './start-tracing.ts';
import { startTracing } from './start-tracing.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
  vi.unstubAllEnvs();
});

async function start(collector: Collector, variables: Readonly<Record<string, string>> = {}) {
  const warnings: string[] = [];
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.endpoint);
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  const tracing: Tracing = await startTracing({
    serviceName: 'a-service',
    serviceVersion: '1.2.3',
    environment: process.env,
    warn: (message) => warnings.push(message),
  });
  cleanups.push(() => {
    trace.disable();
    context.disable();
    propagation.disable();
    collector.close();
  });
  return { tracing, warnings };
}

const spanCalled = (name: string) => trace.getTracer('test').startSpan(name).end();

it('sends what waits when it stops, with the name of the service', async () => {
  const collector = await startCollector();
  const { tracing, warnings } = await start(collector, {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=staging',
  });
  spanCalled('work');
  await tracing.stop();

  expect(tracing.isOn).toBe(true);
  expect(collector.spans.map(({ name }) => name)).toEqual(['work']);
  expect(collector.spans[0]?.resource).toMatchObject({
    'service.name': 'a-service',
    'service.version': '1.2.3',
    'deployment.environment.name': 'staging',
  });
  expect(warnings).toEqual([]);
});

it('speaks Protobuf unless JSON is asked for', async () => {
  const collector = await startCollector();
  const { tracing } = await start(collector);
  spanCalled('work');
  await tracing.stop();

  expect(collector.contentTypes).toEqual(['application/x-protobuf']);
});

it('leaves out what the sampler leaves out', async () => {
  const collector = await startCollector();
  const { tracing } = await start(collector, { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' });
  spanCalled('work');
  await tracing.stop();

  expect(collector.contentTypes).toEqual([]);
});

it('stops although the collector does not answer', async () => {
  const collector = await startCollector({ answers: false });
  const { tracing } = await start(collector);
  spanCalled('work');

  await expect(tracing.stop()).resolves.toBeUndefined();
});
