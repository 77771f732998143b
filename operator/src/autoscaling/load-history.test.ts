/** What is remembered of the load, and how much of it. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LoadHistory } from './load-history.ts';
import type { LoadSample } from './load-history.ts';

const MINUTE = 60_000;

function sample(at: number, more: Partial<LoadSample> = {}): LoadSample {
  return { gateway: 'one', at, milliseconds: 1000, concurrency: 0, requests: 0, seconds: 0, held: 0, ...more };
}

/** A second each, the first of which ends at `first`. */
function seconds(history: LoadHistory, first: number, count: number, more: Partial<LoadSample> = {}): void {
  for (let index = 0; index < count; index += 1) history.add(sample(first + index * 1000, more));
}

describe('a window', () => {
  it('of which nothing was told is unknown', () => {
    const history = new LoadHistory(MINUTE);
    seconds(history, 1000, 5, { concurrency: 3 });

    expect(history.over(100_000, MINUTE / 10)).toBeUndefined();
  });

  it('is the sum of the gateways, averaged over time; what waits counts', () => {
    const history = new LoadHistory(MINUTE);
    seconds(history, 1000, 60, { concurrency: 2, requests: 10, seconds: 5 });
    seconds(history, 1000, 30, { gateway: 'two', concurrency: 4, requests: 20, held: 2 });

    expect(history.over(60_000, MINUTE)).toEqual({
      concurrency: 5,
      requestsPerSecond: 20,
      secondsPerRequest: 0.25,
    });
  });

  it('cuts through what was told of a second', () => {
    const history = new LoadHistory(MINUTE);
    history.add(sample(1000, { concurrency: 10 }));
    history.add(sample(2000, { concurrency: 20 }));

    expect(history.over(2000, 1500)?.concurrency).toBeCloseTo((10 * 0.5 + 20) / 1.5);
  });

  it('is not spoilt by a line that tells of no time, which a gateway begins with', () => {
    const history = new LoadHistory(MINUTE);
    history.add(sample(1000, { milliseconds: 0, held: 1 }));

    expect(history.over(2000, MINUTE)).toBeUndefined();
    history.add(sample(2000, { held: 1 }));
    expect(history.over(2000, MINUTE)).toEqual({
      concurrency: 1,
      requestsPerSecond: 0,
      secondsPerRequest: undefined,
    });
  });

  it('is not shifted by lines that come a little early or late', () => {
    const history = new LoadHistory(MINUTE);
    for (let second = 1; second <= 60; second += 1)
      history.add(sample(second * 1000 + (second % 3) * 100, { concurrency: 6 }));

    expect(history.over(60_000, MINUTE)?.concurrency).toBeCloseTo(6);
    expect(history.covers('one', 60_000, MINUTE)).toBe(true);
  });
});

describe('a gateway', () => {
  const told = (count: number) => {
    const history = new LoadHistory(MINUTE);
    seconds(history, 1000, count);
    return history;
  };

  it('has told of all of a window when it has, but for the seconds that it is about to tell', () => {
    expect(told(60).covers('one', 60_000, MINUTE)).toBe(true);
    expect(told(60).covers('one', 62_000, MINUTE)).toBe(true);
    expect(told(50).covers('one', 50_000, MINUTE)).toBe(false);
    expect(told(60).covers('two', 60_000, MINUTE)).toBe(false);
  });

  it('that is silent has not, nor has one that was silent in between', () => {
    expect(told(60).covers('one', 63_000, MINUTE)).toBe(false);
    const history = told(40);
    seconds(history, 46_000, 20);
    expect(history.covers('one', 65_000, MINUTE)).toBe(false);
  });

  it('is quiet since the last request, and since a gap in what it told', () => {
    const history = new LoadHistory(MINUTE);
    seconds(history, 1000, 10);
    expect(history.quietMs('one', 10_000)).toBe(10_000);
    history.add(sample(11_000, { requests: 1 }));
    seconds(history, 12_000, 300);
    expect(history.quietMs('one', 311_000)).toBe(300_000);
    seconds(history, 320_000, 10);
    expect(history.quietMs('one', 329_000)).toBe(10_000);
    expect(history.quietMs('one', 340_000)).toBe(0);
    expect(history.quietMs('two', 329_000)).toBe(0);
  });

  it('says how many wait, until it is silent', () => {
    const history = new LoadHistory(MINUTE);
    history.add(sample(1000, { held: 3 }));
    history.add(sample(1000, { gateway: 'two', held: 2 }));
    history.add(sample(1020, { held: 4, milliseconds: 20 }));

    expect(history.held(1020)).toBe(6);
    expect(history.held(3510)).toBe(4);
    expect(history.held(9000)).toBe(0);
  });
});

it('is bounded, however often, long and by how many gateways it is told', () => {
  const samples = fc.array(
    fc.record({
      gateway: fc.integer({ min: 0, max: 3 }).map(String),
      after: fc.integer({ min: 0, max: 3000 }),
      busy: fc.boolean(),
    }),
    { minLength: 50, maxLength: 2000 },
  );
  fc.assert(
    fc.property(samples, (all) => {
      const history = new LoadHistory(MINUTE);
      let at = 0;
      for (const { gateway, after, busy } of all) {
        at += after;
        history.add(sample(at, { gateway, milliseconds: after, concurrency: busy ? 1 : 0 }));
        expect(history.size).toBeLessThanOrEqual(4 * 125);
      }
    }),
    { numRuns: 50 },
  );
});

it('forgets gateways that are gone, and needs one entry for all the time without a request', () => {
  const history = new LoadHistory(MINUTE);
  for (let hour = 0; hour < 100; hour += 1) seconds(history, hour * 70_000 + 1000, 60, { gateway: `g${hour}` });

  expect(history.size).toBeLessThanOrEqual(2);
});
