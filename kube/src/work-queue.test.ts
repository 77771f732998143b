import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createFakeClock } from './testing/fake-clock.ts';
import { createWorkQueue } from './work-queue.ts';

function setUp(random = () => 1) {
  const clock = createFakeClock();
  const registry = new Registry();
  const queue = createWorkQueue({ name: 'test', clock, random, registry, backoff: { baseMs: 100, capMs: 1000 } });
  const takeAll = async () => {
    const taken: string[] = [];
    while (queue.depth() > 0) taken.push((await queue.next())?.key ?? '');
    return taken;
  };
  return { clock, queue, registry, takeAll };
}

describe('the work queue', () => {
  it('holds a key once, first come first served, with the reasons of all adds', async () => {
    const { queue } = setUp();
    queue.add('a', 'created');
    queue.add('b', 'created');
    queue.add('a', 'changed');
    queue.add('a', 'changed');

    expect(await queue.next()).toEqual({ key: 'a', reasons: ['created', 'changed'] });
    expect(await queue.next()).toEqual({ key: 'b', reasons: ['created'] });
    expect(queue.depth()).toBe(0);
  });

  it('lets a change of now go before what only has to be looked at after a start', async () => {
    const { queue, takeAll } = setUp();
    for (const key of ['a', 'b', 'c']) queue.add(key, 'start', 'low');
    queue.add('new', 'created');
    queue.add('c', 'changed');
    queue.add('new', 'start', 'low');

    expect(queue.depth()).toBe(4);
    expect(await takeAll()).toEqual(['new', 'c', 'a', 'b']);
  });

  it('gives a key to a worker that already waits', async () => {
    const { queue } = setUp();
    const waiting = queue.next();

    queue.add('a', 'created');

    expect(await waiting).toEqual({ key: 'a', reasons: ['created'] });
  });

  it('does not hand out a key that is being worked on, and hands it out once more after', async () => {
    const { queue } = setUp();
    queue.add('a', 'first');
    await queue.next();

    queue.add('a', 'second');
    queue.add('a', 'third');
    expect(queue.depth()).toBe(0);
    queue.done('a');

    expect(await queue.next()).toEqual({ key: 'a', reasons: ['second', 'third'] });
    queue.done('a');
    expect(queue.depth()).toBe(0);
  });

  it('takes the earliest of several delayed adds, and an immediate one before all', async () => {
    const { clock, queue, takeAll } = setUp();
    queue.addAfter('a', 500, 'late');
    queue.addAfter('a', 200, 'early');
    queue.addAfter('a', 900, 'latest');

    await clock.advance(199);
    expect(queue.depth()).toBe(0);
    await clock.advance(1);
    expect(await takeAll()).toEqual(['a']);
    queue.done('a');
    await clock.advance(5000);
    expect(queue.depth()).toBe(0);

    queue.addAfter('b', 500, 'late');
    queue.add('b', 'now');
    expect(await takeAll()).toEqual(['b']);
    queue.done('b');
    await clock.advance(5000);
    expect(queue.depth()).toBe(0);
  });

  it('doubles the backoff of a key up to the cap, and starts anew after forget', async () => {
    const { clock, queue } = setUp();
    const delays: number[] = [];
    const failOnce = async (key: string) => {
      const before = clock.now().getTime();
      queue.addBackoff(key, 'failed');
      while (queue.depth() === 0) await clock.advance(10);
      delays.push(clock.now().getTime() - before);
      await queue.next();
      queue.done(key);
    };

    for (let i = 0; i < 6; i += 1) await failOnce('a');
    await failOnce('b');
    queue.forget('a');
    await failOnce('a');

    expect(delays).toEqual([100, 200, 400, 800, 1000, 1000, 100, 100]);
  });

  it('spreads backoffs between a half and the whole, and never comes back before the server wants', async () => {
    const low = setUp(() => 0);
    low.queue.addBackoff('a', 'failed');
    low.queue.addBackoff('b', 'failed', 5000);

    await low.clock.advance(50);
    expect(await low.takeAll()).toEqual(['a']);
    await low.clock.advance(4949);
    expect(low.queue.depth()).toBe(0);
    await low.clock.advance(1);
    expect(await low.takeAll()).toEqual(['b']);
  });

  it('hands out nothing after it is shut down, and leaves no timer behind', async () => {
    const { clock, queue } = setUp();
    const waiting = queue.next();
    queue.addAfter('b', 100, 'later');

    queue.shutDown();
    queue.add('c', 'too late');

    expect(await waiting).toBeUndefined();
    expect(await queue.next()).toBeUndefined();
    expect(clock.pending()).toBe(0);
  });

  it('counts and measures under the names of controller-runtime', async () => {
    const { clock, queue, registry } = setUp();
    queue.add('a', 'x');
    queue.add('b', 'x');
    queue.add('b', 'x');
    await clock.advance(1000);
    await queue.next();
    await clock.advance(3000);

    const text = await registry.metrics();

    expect(text).toContain('workqueue_depth{name="test",controller="test"} 1');
    expect(text).toContain('workqueue_adds_total{name="test",controller="test"} 2');
    expect(text).toContain('workqueue_longest_running_processor_seconds{name="test",controller="test"} 3');
    expect(text).toContain('workqueue_queue_duration_seconds_sum{name="test",controller="test"} 1');
  });
});
