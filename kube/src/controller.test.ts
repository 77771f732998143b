import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { createControllerLoop, type Reconcile } from './controller.ts';
import { BlockedError, InvalidSpecError, KubeApiError, TransientError } from './errors.ts';
import { requeueAfter, settled } from './result.ts';
import { createFakeClock, settle } from './testing/fake-clock.ts';
import { createMemoryLog } from './testing/fixtures.ts';

function start(reconcile: Reconcile, workers = 1) {
  const clock = createFakeClock();
  const registry = new Registry();
  const log = createMemoryLog();
  const stop = new AbortController();
  const abandon = new AbortController();
  const loop = createControllerLoop({
    name: 'thing.lifecycle',
    workers,
    reconcile,
    clock,
    random: () => 1,
    log,
    registry,
    drainMs: 10_000,
    backoff: { baseMs: 1000, capMs: 60_000 },
  });
  let stopped = false;
  const running = loop.run({ stop: stop.signal, abandon: abandon.signal }).then(() => (stopped = true));
  const metric = async (line: string) =>
    (await registry.metrics())
      .split('\n')
      .find((each) => each.startsWith(line))
      ?.split(' ')
      .at(-1);
  return { clock, loop, log, stop, abandon, running, metric, isStopped: () => stopped };
}

describe('the controller loop', () => {
  it('gives each reconcile its key, its reasons and a log that names both', async () => {
    const seen: unknown[] = [];
    const { loop, log } = start((key, scope) => {
      seen.push(key, scope.reasons);
      scope.log.info({}, 'hello');
      return Promise.resolve(settled());
    });

    loop.queue.add('team-a/x', 'created');
    loop.queue.add('cluster-wide', 'created');
    await settle();

    expect(seen).toEqual([{ namespace: 'team-a', name: 'x' }, ['created'], { name: 'cluster-wide' }, ['created']]);
    const [hello] = log.lines.filter(({ message }) => message === 'hello');
    expect(hello?.fields).toMatchObject({ controller: 'thing.lifecycle', namespace: 'team-a', name: 'x' });
    expect(hello?.fields['reconcileId']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('looks again after the time that a reconcile asked for, with the backoff reset', async () => {
    const times: number[] = [];
    const { clock, loop } = start(() => {
      times.push(clock.now().getTime());
      return times.length === 2
        ? Promise.resolve(requeueAfter(5000, 'poll'))
        : Promise.reject(new TransientError('Down', 'down'));
    });

    loop.queue.add('a', 'x');
    await clock.advance(7500);

    const [first = 0] = times;
    // one failure, 1 s; then clean, 5 s; then the first backoff again, 1 s
    expect(times.map((time) => time - first)).toEqual([0, 1000, 6000, 7000]);
  });

  it.each([
    ['what is blocked', new BlockedError('StoreNotFound', 'no store'), 'blocked'],
    ['what only its author can fix', new InvalidSpecError('BadSpec', 'wrong'), 'error'],
    ['what the API server calls invalid', new KubeApiError({ code: 422, reason: 'Invalid', message: 'no' }), 'error'],
  ])('does not retry %s', async (_name, error, result) => {
    let runs = 0;
    const { clock, loop, metric } = start(() => {
      runs += 1;
      return Promise.reject(error);
    });

    loop.queue.add('a', 'x');
    await clock.advance(3_600_000);

    expect(runs).toBe(1);
    expect(await metric(`controller_runtime_reconcile_total{controller="thing.lifecycle",result="${result}"}`)).toBe(
      '1',
    );
  });

  // As in controller-runtime, so that alerts written for it hold: an error that is final is an error, too.
  it.each([
    ['is tried again', new TransientError('Down', 'down'), '1', '0'],
    ['only a change of the spec ends', new InvalidSpecError('BadSpec', 'wrong'), '1', '1'],
    ['is blocked', new BlockedError('StoreNotFound', 'no store'), '0', '0'],
  ])('counts what %s among errors and terminal errors', async (_name, error, errors, terminal) => {
    const { loop, metric } = start(() => Promise.reject(error));

    loop.queue.add('a', 'x');
    await settle();

    expect(await metric('controller_runtime_reconcile_errors_total{controller="thing.lifecycle"}')).toBe(errors);
    expect(await metric('controller_runtime_terminal_reconcile_errors_total{controller="thing.lifecycle"}')).toBe(
      terminal,
    );
  });

  it('waits at least as long as the server asked for', async () => {
    const times: number[] = [];
    const { clock, loop } = start(() => {
      times.push(clock.now().getTime());
      return Promise.reject(
        new KubeApiError({ code: 429, reason: 'TooManyRequests', message: 'busy' }, { retryAfterMs: 7000 }),
      );
    });

    loop.queue.add('a', 'x');
    await clock.advance(7000);

    expect((times[1] ?? 0) - (times[0] ?? 0)).toBe(7000);
  });

  it('contains a crash, counts it, logs its stack, and goes on', async () => {
    const done: string[] = [];
    const { clock, loop, log, metric } = start((key) => {
      if (key.name === 'bad') throw new RangeError('boom');
      done.push(key.name);
      return Promise.resolve(settled());
    });

    loop.queue.add('bad', 'x');
    loop.queue.add('good', 'x');
    await clock.advance(500);

    expect(done).toEqual(['good']);
    expect(await metric('controller_runtime_reconcile_panics_total')).toBe('1');
    const [crash] = log.lines.filter(({ level }) => level === 'error');
    expect(crash?.fields['err']).toMatchObject({ stack: expect.stringContaining('controller.test.ts') as string });
  });

  it('logs a failure that goes on at warn from the fifth time on', async () => {
    const { clock, loop, log } = start(() => Promise.reject(new TransientError('Down', 'down')));

    loop.queue.add('a', 'x');
    await clock.advance(1000 + 2000 + 4000 + 8000);

    const levels = log.lines.filter(({ message }) => message === 'will be tried again').map(({ level }) => level);
    expect(levels).toEqual(['info', 'info', 'info', 'info', 'warn']);
  });

  it('works on as many keys at once as it has workers, and never on one key twice at once', async () => {
    let running = 0;
    let most = 0;
    const current = new Set<string>();
    let twice = false;
    const { clock, loop } = start(async ({ name }) => {
      twice ||= current.has(name);
      current.add(name);
      most = Math.max(most, (running += 1));
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 100));
      running -= 1;
      current.delete(name);
      return settled();
    }, 3);

    for (let i = 0; i < 20; i += 1) loop.queue.add(`k${i % 5}`, 'x');
    await clock.advance(50);
    for (let i = 0; i < 20; i += 1) loop.queue.add(`k${i % 5}`, 'x');
    await clock.advance(2000);

    expect(most).toBe(3);
    expect(twice).toBe(false);
    expect(running).toBe(0);
  });

  it('stops intake at once and waits for running work', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done: string[] = [];
    const { clock, loop, stop, isStopped } = start(async ({ name }) => {
      await promise;
      done.push(name);
      return settled();
    });
    loop.queue.add('running', 'x');
    loop.queue.add('waiting', 'x');
    await settle();

    stop.abort();
    await clock.advance(5000);
    expect(isStopped()).toBe(false);
    resolve();
    await clock.advance(0);

    expect(isStopped()).toBe(true);
    expect(done).toEqual(['running']);
    expect(clock.pending()).toBe(0);
  });

  it('aborts work that outlives the drain, and does not blame the object for it', async () => {
    const { clock, loop, log, stop, isStopped } = start(
      (_key, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('cut')))),
    );
    loop.queue.add('slow', 'x');
    await settle();

    stop.abort();
    await clock.advance(10_000);

    expect(isStopped()).toBe(true);
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('aborts work at once when it is abandoned, and leaves behind what does not listen', async () => {
    const { clock, loop, log, abandon, isStopped } = start(() => new Promise(() => {}));
    loop.queue.add('deaf', 'x');
    await settle();

    abandon.abort();
    await clock.advance(1000);

    expect(isStopped()).toBe(true);
    expect(log.lines.at(-1)?.fields).toMatchObject({ keys: ['deaf'] });
  });
});
