/** What the proxy does to writes, in front of a real API server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONFIG_MAPS, configMap, requests, startProxyBench } from './proxy-bench.ts';
import type { ProxyBench } from './proxy-bench.ts';

let bench: ProxyBench;

beforeAll(async () => {
  bench = await startProxyBench();
});
afterAll(() => bench?.plane.stop());

describe('with a fault on a write', () => {
  it('killBefore: the client is dead and nothing was written', async () => {
    let killed = 0;
    const kill = async () => void killed++;
    const proxy = await bench.proxyWith([[{ verb: 'apply', name: 'before' }, { kind: 'killBefore' }]], { kill });

    await expect(bench.apply(proxy, 'before', { a: '1' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(killed).toBe(1);
    expect(await bench.stored('before')).toBeUndefined();
  });

  it('killAfter: the client is dead and it was written', async () => {
    let killed = 0;
    const kill = async () => void killed++;
    const proxy = await bench.proxyWith([[{ verb: 'apply', name: 'after' }, { kind: 'killAfter' }]], { kill });

    await expect(bench.apply(proxy, 'after', { a: '1' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(killed).toBe(1);
    expect(await bench.stored('after')).toEqual({ a: '1' });
    expect(requests(proxy).at(-1)).toMatchObject({ status: 201, effective: true, fault: 'killAfter' });
  });

  it('killAfter leaves the client alone when the API server refuses', async () => {
    let killed = 0;
    const kill = async () => void killed++;
    const proxy = await bench.proxyWith([[{ verb: 'delete' }, { kind: 'killAfter' }]], { kill });

    expect((await bench.ask(proxy, 'DELETE', `${CONFIG_MAPS}/nobody`)).code).toBe(404);
    expect([killed, proxy.struck]).toEqual([0, []]);
  });

  it('dropAck: it was written, and the client hears nothing', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'create', name: 'unheard', nth: 1 }, { kind: 'dropAck' }]]);
    const create = () => bench.ask(proxy, 'POST', CONFIG_MAPS, { body: configMap('unheard') });

    await expect(create()).rejects.toThrow(/socket hang up|ECONNRESET/);
    expect(await bench.stored('unheard')).toEqual({});
    expect((await create()).code).toBe(409);
  });

  it('lateWrite: the old write lands after the newer one', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'apply', name: 'late', nth: 1 }, { kind: 'lateWrite' }]], {
      kill: async () => {},
    });
    await expect(bench.apply(proxy, 'late', { a: 'old' })).rejects.toThrow(/socket hang up|ECONNRESET/);
    await bench.apply(proxy, 'late', { a: 'new' });
    expect(await bench.stored('late')).toEqual({ a: 'new' });

    expect(await proxy.release()).toEqual([200]);
    expect(await bench.stored('late')).toEqual({ a: 'old' });
  });

  it('hold: the client waits, and gets the answer at last', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'apply', name: 'held' }, { kind: 'hold' }]]);
    const waiting = bench.apply(proxy, 'held', { a: '1' });
    await expect.poll(() => proxy.struck.length).toBe(1);
    expect(await bench.stored('held')).toBeUndefined();

    await proxy.release();
    expect((await waiting).code).toBe(201);
  });

  it('status: nothing is written, and the answer says when to come back', async () => {
    const proxy = await bench.proxyWith([
      [
        { verb: 'apply', name: 'busy', nth: 1 },
        { kind: 'status', code: 429, retryAfterSeconds: 3 },
      ],
    ]);
    const answer = await bench.apply(proxy, 'busy', { a: '1' });

    expect(answer).toMatchObject({ code: 429, headers: { 'retry-after': '3' } });
    expect(JSON.parse(answer.body)).toMatchObject({ kind: 'Status', reason: 'TooManyRequests', code: 429 });
    expect(await bench.stored('busy')).toBeUndefined();
  });

  it('reset: nothing is written', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'apply', name: 'reset', nth: 1 }, { kind: 'reset' }]]);

    await expect(bench.apply(proxy, 'reset', {})).rejects.toThrow(/ECONNRESET|socket hang up/);
    expect(await bench.stored('reset')).toBeUndefined();
  });

  it('pretend: the answer looks like a success, and nothing is written', async () => {
    const proxy = await bench.proxyWith([[{ verb: 'apply', name: 'pretended' }, { kind: 'pretend' }]]);

    expect((await bench.apply(proxy, 'pretended', { a: '1' })).code).toBe(201);
    expect(await bench.stored('pretended')).toBeUndefined();
  });
});
