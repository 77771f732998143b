/** What the proxy does to watches and lists, in front of a real API server. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultProxy } from './fault-proxy.ts';
import { CONFIG_MAPS, startProxyBench } from './proxy-bench.ts';
import type { Answer, ProxyBench } from './proxy-bench.ts';

let bench: ProxyBench;

beforeAll(async () => {
  bench = await startProxyBench();
});
afterAll(() => bench?.plane.stop());

function watchOf(proxy: FaultProxy, onChunk?: (text: string) => void): Promise<Answer> {
  return bench.ask(
    proxy,
    'GET',
    `${CONFIG_MAPS}?watch=true&timeoutSeconds=2`,
    onChunk === undefined ? {} : { onChunk },
  );
}

describe('with a fault on a watch', () => {
  beforeAll(async () => {
    await bench.plane.kubectl(['create', 'configmap', 'one']);
    await bench.plane.kubectl(['create', 'configmap', 'two']);
  });

  it('halfLine: the second event is cut, and the stream ends in an orderly way', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'watch' }, { kind: 'halfLine', afterEvents: 1 }]]);
    const [whole, half, ...rest] = (await watchOf(proxy)).body.split('\n');

    expect(JSON.parse(whole ?? '')).toMatchObject({ type: 'ADDED' });
    expect(() => JSON.parse(half ?? '') as unknown).toThrow(SyntaxError);
    expect(rest).toEqual([]);
  });

  it('lag: every event comes, in order, and late', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'watch' }, { kind: 'lag', ms: 600 }]]);
    const started = performance.now();
    let first: number | undefined;
    const { body } = await watchOf(proxy, () => (first ??= performance.now() - started));

    expect(first).toBeGreaterThanOrEqual(600);
    expect(body).toBe((await watchOf(await bench.proxyWith())).body);
  });

  it('goneInStream: the stream ends with a 410', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'watch' }, { kind: 'goneInStream', afterEvents: 1 }]]);
    const lines = (await watchOf(proxy)).body.trim().split('\n');

    expect(lines.map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['ADDED', 'ERROR']);
  });

  it('goneHTTP: watches are refused until their objects are listed again', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'watch', nth: 1 }, { kind: 'goneHTTP' }]]);
    expect((await watchOf(proxy)).code).toBe(410);
    expect((await watchOf(proxy)).code).toBe(410);

    await bench.ask(proxy, 'GET', CONFIG_MAPS);
    expect((await watchOf(proxy)).code).toBe(200);
  });

  it('smallPages: a list has one object, and says that there is more', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'list' }, { kind: 'smallPages' }]]);
    const { body } = await bench.ask(proxy, 'GET', `${CONFIG_MAPS}?limit=500`);
    const page = JSON.parse(body) as { items: unknown[]; metadata: { continue?: string } };

    expect(page.items).toHaveLength(1);
    expect(page.metadata.continue).toBeTruthy();
  });

  it('silentHang: nothing comes any more, not even the end', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'watch' }, { kind: 'silentHang', afterEvents: 1 }]]);
    const seen: string[] = [];
    const watching = watchOf(proxy, (text) => seen.push(text)).then(
      () => 'ended',
      () => 'cut',
    );

    const outcome = await Promise.race([watching, sleep(4_000).then(() => 'hangs')]);
    expect(outcome).toBe('hangs');
    expect(seen.join('').trim().split('\n')).toHaveLength(1);
  });
});
