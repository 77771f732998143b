import { Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { builtin, type ConfigMap } from './builtin-kinds.ts';
import { createKubeClient } from './client.ts';
import { createManager, watch } from './manager.ts';
import { settled } from './result.ts';
import { createFakeClock } from './testing/fake-clock.ts';
import { configMap, createMemoryLog, eventually } from './testing/fixtures.ts';
import { type Script, sendJson, startScriptedServer } from './testing/scripted-server.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** Lists what `lists` has by plural (undefined: no answer yet); watches send `events` by plural and stay open. */
async function setUp(options: {
  lists: Record<string, object[] | undefined>;
  events?: Record<string, object[]>;
  namespaces?: string[];
  writeAnswer?: object;
}) {
  const release: (() => void)[] = [];
  const script: Script = ({ path, query, method }, response) => {
    if (method !== 'GET') return sendJson(response, 200, options.writeAnswer ?? {});
    const plural = path.split('/').at(-1) ?? '';
    if (query.has('watch')) {
      response.writeHead(200).flushHeaders();
      for (const event of options.events?.[plural] ?? []) response.write(`${JSON.stringify(event)}\n`);
      return;
    }
    const answer = () =>
      sendJson(response, 200, { metadata: { resourceVersion: '1' }, items: options.lists[plural] ?? [] });
    if (plural in options.lists && options.lists[plural] === undefined) release.push(answer);
    else answer();
  };
  const server = await startScriptedServer(script);
  const clock = createFakeClock();
  const log = createMemoryLog();
  const registry = new Registry();
  const client = createKubeClient({ kubeConfig: server.kubeConfig, userAgent: 't', registry, clock, log });
  const manager = createManager({
    client,
    log,
    clock,
    registry,
    random: () => 0,
    ...(options.namespaces === undefined ? {} : { namespaces: options.namespaces }),
  });
  const stop = new AbortController();
  cleanups.push(async () => {
    stop.abort();
    await client.close();
    await server.close();
  });
  return { manager, client, clock, server, stop, log, release: () => release.splice(0).forEach((each) => each()) };
}

const pod = (version: string, owner: string) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'default', uid: 'p', resourceVersion: version, labels: { owner } },
});

function withoutData({ apiVersion, kind, metadata }: ConfigMap): ConfigMap {
  return { apiVersion, kind, metadata };
}

describe('the manager', () => {
  it('shows what it has just written, in the caches that select it', async () => {
    const answer = {
      ...configMap('a', { version: '9' }),
      metadata: { ...configMap('a', { version: '9' }).metadata, labels: { colour: 'red', size: 's' } },
    };
    const { manager, client, stop } = await setUp({ lists: { configmaps: [] }, writeAnswer: answer });
    const caches = ['', 'colour=red,size=s', 'colour=blue', 'colour', 'colour!=blue'].map((labelSelector) =>
      manager.cache(builtin.ConfigMap, labelSelector === '' ? {} : { labelSelector }),
    );
    const running = manager.run(stop.signal);
    await eventually(() => caches.every((cache) => cache.hasSynced()));

    await client.apply(builtin.ConfigMap, configMap('a'), { fieldManager: 't' });

    // The form of the last two is left to the API server, which tells by the watch.
    expect(caches.map((cache) => cache.list().length)).toEqual([1, 1, 0, 0, 0]);
    stop.abort();
    await running;
  });

  it('keeps of an object only what it is told to, however the object came', async () => {
    const large = (name: string, version: string) => configMap(name, { version, data: { file: 'large' } });
    const { manager, client, stop } = await setUp({
      lists: { configmaps: [large('listed', '1')] },
      events: { configmaps: [{ type: 'ADDED', object: large('watched', '2') }] },
      writeAnswer: large('written', '9'),
    });
    const cache = manager.cache(builtin.ConfigMap, { keep: withoutData });
    const running = manager.run(stop.signal);
    await eventually(() => cache.list().length === 2);
    await client.apply(builtin.ConfigMap, configMap('written'), { fieldManager: 't' });

    expect(cache.list().map(({ metadata, data }) => [metadata.name, data])).toEqual([
      ['listed', undefined],
      ['watched', undefined],
      ['written', undefined],
    ]);
    stop.abort();
    await running;
  });

  it('reconciles nothing before all caches are filled, then everything', async () => {
    const { manager, release, stop, server } = await setUp({
      lists: { configmaps: [configMap('a'), configMap('b')], pods: undefined },
    });
    const seen: string[] = [];
    const configMaps = manager.cache(builtin.ConfigMap);
    manager.cache(builtin.Pod);
    manager.addController({
      name: 'test',
      for: configMaps,
      reconcile: ({ name }) => (seen.push(name), Promise.resolve(settled())),
    });

    const running = manager.run(stop.signal);
    await eventually(() => configMaps.hasSynced() && server.received.length >= 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(seen).toEqual([]);
    expect(manager.ready()).toEqual({ ok: false, why: 'the cache of pods is not filled yet' });
    release();
    await eventually(() => seen.length === 2);

    expect(seen).toEqual(['a', 'b']);
    expect(manager.ready()).toEqual({ ok: true });
    stop.abort();
    await running;
  });

  it('wakes the keys that a map function names, of the old and of the new state', async () => {
    const { manager, stop } = await setUp({
      lists: { configmaps: [], pods: [pod('1', 'first')] },
      events: { pods: [{ type: 'MODIFIED', object: pod('2', 'second') }] },
    });
    const seen: [string, readonly string[]][] = [];
    const pods = manager.cache(builtin.Pod);
    manager.addController({
      name: 'test',
      for: manager.cache(builtin.ConfigMap),
      watches: [watch(pods, ({ metadata }) => [{ namespace: 'default', name: metadata.labels?.['owner'] ?? '' }])],
      reconcile: (key, { reasons }) => (seen.push([key.name, reasons]), Promise.resolve(settled())),
    });

    const running = manager.run(stop.signal);
    await eventually(() => seen.length === 2);

    expect(seen).toEqual([
      ['second', ['Pod default/p changed']],
      ['first', ['Pod default/p changed']],
    ]);
    stop.abort();
    await running;
  });

  it('wakes the keys that a signal names', async () => {
    const { manager, stop } = await setUp({ lists: { configmaps: [] } });
    const seen: [string, readonly string[]][] = [];
    const told = Promise.withResolvers<(name: string) => void>();
    manager.addController({
      name: 'test',
      for: manager.cache(builtin.ConfigMap),
      signals: [
        { subscribe: (wake) => told.resolve((name) => wake({ namespace: 'default', name }, 'a gateway moved')) },
      ],
      reconcile: (key, { reasons }) => (seen.push([key.name, reasons]), Promise.resolve(settled())),
    });

    const running = manager.run(stop.signal);
    (await told.promise)('second');
    await eventually(() => seen.length === 1);

    expect(seen).toEqual([['second', ['a gateway moved']]]);
    stop.abort();
    await running;
  });

  it('is not ready once a cache has heard nothing for too long', async () => {
    const { manager, clock, stop } = await setUp({ lists: { configmaps: [] } });
    const cache = manager.cache(builtin.ConfigMap);
    expect(manager.ready().ok).toBe(false);
    const running = manager.run(stop.signal);
    await eventually(() => cache.hasSynced() && manager.ready().ok);

    // Only the clock moves on: the reflector's own timers would repair it.
    const frozen = clock.now().getTime();
    clock.now = () => new Date(frozen + 241_000);

    expect(manager.ready()).toEqual({ ok: false, why: 'nothing heard of configmaps for 241 s' });
    stop.abort();
    await running;
  });

  it('looks only into the namespaces that it was given', async () => {
    const { manager, server, stop } = await setUp({ lists: { configmaps: [] }, namespaces: ['x', 'y'] });
    manager.cache(builtin.ConfigMap);
    manager.cache(builtin.Node);

    const running = manager.run(stop.signal);
    await eventually(() => manager.ready().ok);

    const lists = server.received.filter(({ query }) => !query.has('watch')).map(({ path }) => path);
    expect(lists.sort()).toEqual([
      '/api/v1/namespaces/x/configmaps',
      '/api/v1/namespaces/y/configmaps',
      '/api/v1/nodes',
    ]);
    stop.abort();
    await running;
  });

  it('looks into the namespaces of a cache that names its own', async () => {
    const { manager, server, stop } = await setUp({ lists: { pods: [] }, namespaces: ['x'] });
    manager.cache(builtin.Pod, { namespaces: ['system'] });
    manager.cache(builtin.Pod);

    const running = manager.run(stop.signal);
    await eventually(() => manager.ready().ok);

    const lists = server.received.filter(({ query }) => !query.has('watch')).map(({ path }) => path);
    expect(lists.sort()).toEqual(['/api/v1/namespaces/system/pods', '/api/v1/namespaces/x/pods']);
    stop.abort();
    await running;
  });

  it('has one cache for one kind and selector, with the indexes of all who asked', async () => {
    const { manager } = await setUp({ lists: {} });

    const first = manager.cache<ConfigMap>(builtin.ConfigMap, { indexes: { a: () => ['x'] } });
    const second = manager.cache<ConfigMap>(builtin.ConfigMap, { indexes: { b: () => ['y'] } });
    const other = manager.cache<ConfigMap>(builtin.ConfigMap, { labelSelector: 'x=y' });

    expect(second).toBe(first);
    expect(other).not.toBe(first);
    expect(first.byIndex('b', 'y')).toEqual([]);
  });

  it('stops in good order while it still waits for its caches', async () => {
    const { manager, stop, server } = await setUp({ lists: { pods: undefined } });
    manager.cache(builtin.Pod);
    const running = manager.run(stop.signal);
    await eventually(() => server.received.length === 1);

    stop.abort();

    await expect(running).resolves.toBeUndefined();
  });
});
