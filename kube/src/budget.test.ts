import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createBudget, createTokenBucket } from './budget.ts';
import { createFakeClock, settle } from './testing/fake-clock.ts';

/** Takes `count` turns and notes when each was given, in milliseconds. */
async function turns(take: () => Promise<void>, clock: { now(): Date }, count: number) {
  const start = clock.now().getTime();
  const given: number[] = [];
  for (let index = 0; index < count; index += 1) void take().then(() => given.push(clock.now().getTime() - start));
  await settle();
  return given;
}

describe('a token bucket', () => {
  it('lets a burst go at once and the rest at its rate', async () => {
    const clock = createFakeClock();
    const bucket = createTokenBucket({ perSecond: 10, burst: 3 }, clock);

    const given = await turns(() => bucket.take(), clock, 6);
    expect(given).toEqual([0, 0, 0]);
    await clock.advance(1000);

    expect(given).toEqual([0, 0, 0, 100, 200, 300]);
    expect(clock.pending()).toBe(0);
  });

  it('saves up no more than a burst, and nothing when the clock goes back', async () => {
    let now = 0;
    const timers: (() => void)[] = [];
    const setTimeout = (fn: () => void) => (timers.push(fn), { cancel: () => undefined });
    const clock = { now: () => new Date(now), setTimeout };
    const bucket = createTokenBucket({ perSecond: 10, burst: 2 }, clock);

    now = 3_600_000;
    expect(await turns(() => bucket.take(), clock, 4)).toHaveLength(2);
    now = 0;
    timers.at(-1)?.();
    expect(await turns(() => bucket.take(), clock, 1)).toHaveLength(0);
  });

  it('gives the place of one who gave up to the next', async () => {
    const clock = createFakeClock();
    const bucket = createTokenBucket({ perSecond: 1, burst: 1 }, clock);
    const impatient = new AbortController();
    const order: string[] = [];
    await bucket.take();
    const given = bucket.take(impatient.signal).then(
      () => order.push('impatient'),
      (cause: unknown) => order.push(String(cause)),
    );
    void bucket.take().then(() => order.push('patient'));

    await clock.advance(500);
    impatient.abort('gave up');
    await given;
    expect(order).toEqual(['gave up']);
    await clock.advance(500);

    expect(order).toEqual(['gave up', 'patient']);
  });

  it('keeps no timer for nobody, and refuses who has given up already', async () => {
    const clock = createFakeClock();
    const bucket = createTokenBucket({ perSecond: 1, burst: 1 }, clock);
    const stop = new AbortController();
    await bucket.take();
    const waiting = bucket.take(stop.signal).catch((cause: unknown) => cause);

    stop.abort('stop');

    expect(await waiting).toBe('stop');
    expect(clock.pending()).toBe(0);
    await expect(bucket.take(stop.signal)).rejects.toBe('stop');
  });

  it('can be without limit', async () => {
    const clock = createFakeClock();
    const bucket = createTokenBucket({ perSecond: Infinity, burst: 1 }, clock);

    expect(await turns(() => bucket.take(), clock, 1000)).toHaveLength(1000);
  });
});

describe('the budget of a client', () => {
  const one = { perSecond: 1, burst: 1 };
  const setUp = () => {
    const clock = createFakeClock();
    const registry = new Registry();
    return { clock, registry, take: createBudget({ budget: { reads: one, writes: one }, clock, registry, host: 'h' }) };
  };

  it('keeps reads and writes apart, and lets leases pass', async () => {
    const { clock, take } = setUp();
    const turnsOf = (method: string, path: string) => turns(() => take({ method, path }), clock, 3);

    expect(await turnsOf('PATCH', '/api/v1/namespaces/a/pods/b')).toHaveLength(1);
    expect(await turnsOf('GET', '/api/v1/pods')).toHaveLength(1);
    expect(await turnsOf('PATCH', '/apis/coordination.k8s.io/v1/namespaces/a/leases/b')).toHaveLength(3);
    expect(await turnsOf('DELETE', '/api/v1/namespaces/a/pods/b')).toHaveLength(0);
  });

  it('says in the metric of client-go how long was waited', async () => {
    const { clock, registry, take } = setUp();

    await turns(() => take({ method: 'POST', path: '/api/v1/pods' }), clock, 2);
    await clock.advance(1000);

    const text = await registry.metrics();
    expect(text).toContain('rest_client_rate_limiter_duration_seconds_sum{verb="POST",host="h"} 1');
    expect(text).toContain('rest_client_rate_limiter_duration_seconds_count{verb="POST",host="h"} 2');
  });
});
