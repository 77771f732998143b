/** How many pods a service shall have. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { horizontalPodAutoscaler, ours, SETTINGS } from '../testing/autoscalers.ts';
import { SERVICE, simulate, TRACES } from '../testing/scaling-simulation.ts';
import type { LoadTrace } from '../testing/scaling-simulation.ts';
import { decideReplicas, FIRST_STATE, STABLE_WINDOW_MS } from './decide-replicas.ts';
import type { ScalingDecision, ScalingInput, ScalingState } from './decide-replicas.ts';
import { LoadHistory } from './load-history.ts';
import type { LoadSample } from './load-history.ts';

const settings = { ...SETTINGS, target: { concurrency: 8 } };

interface Situation {
  /** What each gateway says of each second, the last of which is now. */
  readonly told: Readonly<Record<string, readonly Partial<LoadSample>[]>>;
  readonly more?: Partial<ScalingInput>;
  readonly state?: ScalingState;
}

const NOW = 1_000_000;

function decide({ told, more = {}, state = FIRST_STATE }: Situation): ScalingDecision {
  const history = new LoadHistory(STABLE_WINDOW_MS);
  for (const [gateway, seconds] of Object.entries(told))
    seconds.forEach((second, index) => {
      const at = NOW - (seconds.length - 1 - index) * 1000;
      history.add({ gateway, at, milliseconds: 1000, concurrency: 0, requests: 0, seconds: 0, held: 0, ...second });
    });
  const current = more.current ?? 2;
  const input = { settings, history, gateways: Object.keys(told), current, ready: current, now: NOW };
  return decideReplicas({ ...input, ...more }, state);
}

const seconds = (count: number, second: Partial<LoadSample>) => Array<Partial<LoadSample>>(count).fill(second);
/** A scale-down window ago, and since then, fewer would have done. */
const patient = (replicas: number): ScalingState => ({
  ...FIRST_STATE,
  recommended: [{ at: NOW - 1000, replicas }],
});

describe('with pods', () => {
  it.each([
    ['as many as the target needs', 33, 2, 5],
    ['none more where the target is just met', 16, 2, 2],
    ['one more where it is passed', 16.1, 2, 3],
    ['as they are, where one less would be full', 15, 2, 2],
    ['one less, where that has room', 14, 2, 2],
    ['less, where those have room', 7, 2, 1],
    ['at least one', 0, 2, 1],
  ])('%s: %d requests at a time, %d pods', (_, concurrency, current, replicas) => {
    const told = {
      one: seconds(60, { concurrency: concurrency / 2 }),
      two: seconds(60, { concurrency: concurrency / 2 }),
    };

    expect(decide({ told, more: { current }, state: patient(1) }).replicas).toBe(replicas);
  });

  it.each([
    ['half as many more where a request takes half as long again', 0.3, 4, 6],
    ['not more than twice as many at a time', 3, 4, 8],
    ['as they are where it is just met', 0.2, 4, 4],
    ['as they are, where fewer would have little room', 0.19, 4, 4],
    ['not less than half at a time', 0.001, 8, 5],
  ])('by how long a request takes: %s', (_, each, current, replicas) => {
    const told = { one: seconds(60, { concurrency: 1, requests: 10, seconds: 10 * each }) };
    const byLatency = { ...settings, target: { latencySeconds: 0.2 } };

    expect(decide({ told, more: { current, settings: byLatency }, state: patient(1) }).replicas).toBe(replicas);
  });

  it('by how long a request takes, which is not known while none ends', () => {
    const byLatency = { ...settings, target: { latencySeconds: 0.2 } };
    const told = { one: seconds(60, { concurrency: 5 }) };

    expect(decide({ told, more: { current: 3, settings: byLatency }, state: patient(1) }).replicas).toBe(3);
  });

  it('by requests a second', () => {
    const told = { one: seconds(60, { concurrency: 1, requests: 100 }) };
    const more = { settings: { ...settings, target: { requestsPerSecond: 30 } } };

    expect(decide({ told, more }).replicas).toBe(4);
  });

  it('a steep rise counts before the minute is over, and keeps its pods for a minute', () => {
    const told = { one: [...seconds(54, { concurrency: 1 }), ...seconds(6, { concurrency: 80 })] };
    const risen = decide({ told, more: { current: 1 } });
    expect(risen).toMatchObject({ replicas: 10, why: expect.stringContaining('rose quickly') as string });

    const over = { one: seconds(60, { concurrency: 1 }) };
    const soon = decide({
      told: over,
      more: { current: 10 },
      state: { ...FIRST_STATE, ...risen.state, panicAt: NOW - 59_000 },
    });
    expect(soon.replicas).toBe(10);
    const later = decide({ told: over, more: { current: 10 }, state: { ...patient(1), panicAt: NOW - 61_000 } });
    expect(later.replicas).toBe(1);
  });

  it('fewer have to do for the whole of the scale-down window', () => {
    const told = { one: seconds(60, { concurrency: 1 }) };
    const asked = { at: NOW - 59_000, replicas: 6 };
    expect(decide({ told, more: { current: 8 }, state: { ...FIRST_STATE, recommended: [asked] } }).replicas).toBe(6);
    expect(decide({ told, more: { current: 8 } })).toMatchObject({
      replicas: 8,
      why: 'fewer would do, but have not done so for long enough',
    });
  });

  it.each([
    ['no gateway is ready', { gateways: [] }, 'no gateway is ready'],
    ['one has not said who it is', { gateways: ['one', undefined] }, '1 of 2 gateways told of less than the last 60 s'],
    ['one was started again', { gateways: ['two'] }, '1 of 1 gateway told of less than the last 60 s'],
  ])('none goes while %s', (_, more, why) => {
    const told = { one: seconds(60, { concurrency: 1 }), two: seconds(50, { concurrency: 1 }) };
    const decision = decide({ told, more: { current: 8, ...more }, state: patient(1) });
    expect(decision).toMatchObject({ replicas: 8, why: expect.stringContaining(why) as string });
  });

  it('nothing known is no reason for anything but the bounds', () => {
    expect(decide({ told: {}, more: { current: 8 } }).replicas).toBe(8);
    expect(decide({ told: {}, more: { current: 40 } })).toMatchObject({
      replicas: 30,
      why: 'no gateway has told of the load; bounded by max 30',
    });
  });

  it('nothing known is nothing remembered: what was needed before stays unknown', () => {
    const input = {
      settings,
      history: new LoadHistory(STABLE_WINDOW_MS),
      gateways: [],
      current: 8,
      ready: 8,
      now: NOW,
    };

    expect(decideReplicas(input, undefined)).toMatchObject({ replicas: 8, state: undefined });
  });

  it('what is known is reason enough for more, also where something is not', () => {
    const told = { one: seconds(10, { concurrency: 40 }) };
    expect(decide({ told, more: { gateways: ['one', undefined] } }).replicas).toBe(5);
  });
});

describe('zero', () => {
  const toZero = { ...settings, min: 0, idleAfterMs: 60_000 };

  it('follows when no gateway was asked for as long as that', () => {
    const told = { one: seconds(60, {}), two: seconds(60, {}) };
    const decision = decide({ told, more: { settings: toZero } });
    expect(decision).toMatchObject({ replicas: 0, why: 'no request for 60 seconds', nextLookMs: undefined });
  });

  it('needs no longer a look than it asks for', () => {
    const told = { one: seconds(10, {}), two: seconds(10, {}) };
    const soon = { ...toZero, idleAfterMs: 10_000 };
    expect(decide({ told, more: { settings: soon } }).replicas).toBe(0);
    expect(decide({ told: { ...told, two: seconds(9, {}) }, more: { settings: soon } }).replicas).toBeGreaterThan(0);
  });

  it.each([
    ['there is no gateway', seconds(70, {}), []],
    ['a request ended within it', [...seconds(20, {}), { requests: 1 }, ...seconds(50, {})], ['one']],
    ['one waits', [...seconds(61, {}), { held: 1 }], ['one']],
    ['a gateway is silent', seconds(70, {}), ['one', 'two']],
    ['it is not known for so long', seconds(55, {}), ['one']],
  ])('does not follow where %s', (_, one, gateways) => {
    expect(decide({ told: { one }, more: { settings: toZero, gateways } }).replicas).toBeGreaterThan(0);
  });

  it('ends at once when a request waits, with pods for all that do', () => {
    const more = { settings: toZero, current: 0 };
    expect(decide({ told: { one: [{}] }, more })).toMatchObject({ replicas: 0, why: 'nobody asks' });
    expect(decide({ told: { one: [{ milliseconds: 0, held: 1 }] }, more })).toMatchObject({
      replicas: 1,
      why: '1 request waits for a pod',
    });
    const told = { one: [{ milliseconds: 0, held: 100 }], two: [{ milliseconds: 0, held: 100 }] };
    expect(decide({ told, more })).toMatchObject({ replicas: 25, why: '200 requests wait for a pod' });
  });

  it('ends when a pod that is about to go is asked', () => {
    const told = { one: seconds(3, { concurrency: 0.1, requests: 1 }) };
    expect(decide({ told, more: { settings: toZero, current: 0 } }).replicas).toBe(1);
  });

  it('is none where min is more', () => {
    expect(decide({ told: {}, more: { current: 0 } }).replicas).toBe(1);
  });
});

const constant = (rate: number): LoadTrace => ({ name: 'constant', seconds: 600, rateAt: () => rate });

describe('whatever happens', () => {
  const second = fc.record({
    concurrency: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 500, noNaN: true })),
    requests: fc.nat(1000),
    seconds: fc.double({ min: 0, max: 1000, noNaN: true }),
    held: fc.oneof(fc.constant(0), fc.nat(300)),
  });
  const target = fc.oneof(
    fc.record({ concurrency: fc.double({ min: 0.1, max: 100, noNaN: true }) }),
    fc.record({ requestsPerSecond: fc.double({ min: 0.1, max: 1000, noNaN: true }) }),
    fc.record({ latencySeconds: fc.double({ min: 0.001, max: 10, noNaN: true }) }),
  );
  const situation = fc
    .record({
      bounds: fc.tuple(fc.nat(20), fc.integer({ min: 1, max: 30 })),
      target,
      current: fc.nat(40),
      told: fc.dictionary(fc.constantFrom('one', 'two'), fc.array(second, { maxLength: 70 })),
      gateways: fc.array(fc.constantFrom('one', 'two', undefined), { maxLength: 3 }),
      panicAt: fc.option(fc.integer({ min: NOW - 100_000, max: NOW }), { nil: undefined }),
      panicReplicas: fc.nat(50),
    })
    .map(({ bounds: [min, more], target: aim, current, panicAt, panicReplicas, ...rest }) => ({
      ...rest,
      current,
      state: { ...FIRST_STATE, panicAt, panicReplicas },
      settings: { min, max: min + more, target: aim, idleAfterMs: 60_000 },
    }));

  it('the bounds hold, and so does the size of what is remembered', () => {
    fc.assert(
      fc.property(situation, ({ told, state, ...more }) => {
        const decision = decide({ told, state, more: { ...more, ready: more.current } });
        const { min, max } = more.settings;
        expect(decision.replicas).toBeGreaterThanOrEqual(min);
        expect(decision.replicas).toBeLessThanOrEqual(max);
        expect(decision.state?.recommended.length).toBeLessThanOrEqual(max + 1);
        expect(decision.why).not.toBe('');
      }),
    );
  });

  it('what is unknown takes no pod away', () => {
    fc.assert(
      fc.property(situation, fc.nat(55), ({ told, state, ...more }, known) => {
        const cut = Object.fromEntries(Object.entries(told).map(([name, all]) => [name, all.slice(0, known)]));
        const gateways = more.gateways.length > 0 ? more.gateways : ['one'];
        const asked = { ...state, recommended: patient(1).recommended };
        const { replicas } = decide({ told: cut, state: asked, more: { ...more, gateways } });
        expect(replicas).toBeGreaterThanOrEqual(Math.min(more.current, more.settings.max));
      }),
    );
  });

  it('constant load ends in a constant number of pods, which is enough and not more than a margin too many', () => {
    const load = fc.record({ rate: fc.integer({ min: 1, max: 600 }), pods: fc.integer({ min: 1, max: 30 }) });
    fc.assert(
      fc.property(load, ({ rate, pods }) => {
        const service = { ...SERVICE, pods };
        const { replicas } = simulate(constant(rate), ours(), service);
        const needed = (rate * SERVICE.requestSeconds) / 6;
        const settled = new Set(replicas.slice(-120));
        expect(settled.size).toBe(1);
        const [last = 0] = settled;
        expect(last).toBeGreaterThanOrEqual(Math.ceil(needed * 0.98));
        expect(last).toBeLessThanOrEqual(Math.ceil(needed / 0.88));
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });

  it('load that varies a little around a value moves no pod to and fro', () => {
    const load = fc.record({
      rate: fc.integer({ min: 5, max: 600 }),
      noise: fc.array(fc.double({ min: 0.8, max: 1.2, noNaN: true }), { minLength: 50, maxLength: 100 }),
    });
    fc.assert(
      fc.property(load, ({ rate, noise }) => {
        const trace = { name: 'noise', seconds: 900, rateAt: (at: number) => rate * (noise[at % noise.length] ?? 1) };
        const { replicas } = simulate(trace, ours(), { ...SERVICE, pods: 30 });
        const settled = replicas.slice(300);
        const changes = settled.filter((count, index) => index > 0 && count !== settled[index - 1]);
        expect(changes.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 25, endOnFailure: true },
    );
  });
});

describe('beside the HorizontalPodAutoscaler, on the same load', () => {
  it.each(TRACES)('$name: fewer requests are late, and with fewer pods', (trace) => {
    const mine = simulate(trace, ours());
    const theirs = simulate(trace, horizontalPodAutoscaler({ min: 1, max: 30, perPod: 6 }));

    expect(mine.requests).toBe(theirs.requests);
    expect(mine.answered).toBeGreaterThan(mine.requests - 50);
    expect(mine.late).toBeLessThan(theirs.late);
    expect(mine.podSeconds).toBeLessThan(theirs.podSeconds);
  });
});

it.each(TRACES)(
  'by how long requests take, $name: all are answered, and what was more than needed goes again',
  (trace) => {
    const { requests, answered, replicas } = simulate(trace, ours({ ...SETTINGS, target: { latencySeconds: 0.25 } }));

    expect(answered).toBeGreaterThan(requests - 50);
    expect(replicas.at(-1)).toBeLessThan(Math.max(...replicas));
  },
);

it('a service goes to zero when nobody asks, and comes back for the next request, of which none is lost', () => {
  const bursts = (at: number) => (at === 200 || at === 600 ? 200 : 0);
  const { requests, answered, replicas } = simulate(
    { name: 'bursts', seconds: 900, rateAt: bursts },
    ours({ ...SETTINGS, min: 0 }),
  );

  expect([requests, answered]).toEqual([400, 400]);
  expect(replicas.slice(130, 200).every((count) => count === 0)).toBe(true);
  expect(replicas[200]).toBe(30);
  expect(replicas.slice(400, 600).every((count) => count === 0)).toBe(true);
  expect(replicas.at(-1)).toBe(0);
});
