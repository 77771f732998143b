import { Registry } from 'prom-client';
import { afterEach, expect, it } from 'vitest';
import { builtin } from './builtin-kinds.ts';
import { createKubeClient } from './client.ts';
import { createDiscovery } from './discovery.ts';
import { createFakeClock } from './testing/fake-clock.ts';
import { createMemoryLog } from './testing/fixtures.ts';
import { type Script, sendJson, sendStatus, startScriptedServer } from './testing/scripted-server.ts';
import { defineKind } from './types.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const route = defineKind({
  group: 'gateway.example',
  version: 'v1',
  kind: 'Route',
  plural: 'routes',
  namespaced: true,
});
const gateway = { ...route, kind: 'Gateway', plural: 'gateways' };

async function discover(script: Script) {
  const server = await startScriptedServer(script);
  const clock = createFakeClock();
  const { kubeConfig } = server;
  const client = createKubeClient({
    kubeConfig,
    userAgent: 't',
    registry: new Registry(),
    clock,
    log: createMemoryLog(),
  });
  cleanups.push(
    () => server.close(),
    () => client.close(),
  );
  const asked = () => server.received.map(({ path }) => path);
  return { discovery: createDiscovery({ client, clock }), clock, asked };
}

const serving =
  (...names: readonly string[]): Script =>
  (_request, response) =>
    sendJson(response, 200, { kind: 'APIResourceList', resources: names.map((name) => ({ name })) });

it('knows a kind by its plural, never by a subresource, and asks once for all kinds of a version', async () => {
  const { discovery, asked } = await discover(serving('routes', 'gateways/status'));

  expect(await discovery.serves(route)).toBe(true);
  expect(await discovery.serves(gateway)).toBe(false);
  expect(asked()).toEqual(['/apis/gateway.example/v1']);
});

it('asks one question for many who want to know at once', async () => {
  const { discovery, asked } = await discover(serving('configmaps'));

  const answers = await Promise.all([1, 2, 3].map(() => discovery.serves(builtin.ConfigMap)));

  expect(answers).toEqual([true, true, true]);
  expect(asked()).toEqual(['/api/v1']);
});

it('takes a group that is not there for kinds that are not there, and sees soon when they come', async () => {
  let isInstalled = false;
  const { discovery, clock } = await discover((request, response) =>
    isInstalled ? serving('routes')(request, response) : sendStatus(response, 404, 'NotFound'),
  );

  expect(await discovery.serves(route)).toBe(false);
  isInstalled = true;
  expect(await discovery.serves(route)).toBe(false);
  await clock.advance(10_000);
  expect(await discovery.serves(route)).toBe(true);
});

it('asks again in time whether a kind is still there', async () => {
  let isInstalled = true;
  const { discovery, clock } = await discover((request, response) =>
    serving(...(isInstalled ? ['routes'] : []))(request, response),
  );

  expect(await discovery.serves(route)).toBe(true);
  isInstalled = false;
  await clock.advance(599_999);
  expect(await discovery.serves(route)).toBe(true);
  await clock.advance(1);
  expect(await discovery.serves(route)).toBe(false);
});

it('remembers no failure', async () => {
  let isIll = true;
  const { discovery } = await discover((request, response) =>
    isIll ? sendStatus(response, 503, 'ServiceUnavailable') : serving('routes')(request, response),
  );

  await expect(discovery.serves(route)).rejects.toThrow('ServiceUnavailable says the script');
  isIll = false;
  expect(await discovery.serves(route)).toBe(true);
});
