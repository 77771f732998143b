/** What a step of latency is, and how counts are told. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatLatencyCounts,
  latencyCountsText,
  latencyStep,
  longestOfStep,
  parseLatencyCounts,
  SLOWEST_STEP,
} from './latency-counts.ts';

const seconds = fc.double({ min: 0.0001, max: 600, noNaN: true });

describe('a step', () => {
  it('holds a request within 4.5 % of what it took', () => {
    fc.assert(
      fc.property(seconds, (took) => {
        const step = latencyStep(took);
        expect(longestOfStep(step)).toBeGreaterThanOrEqual(took * (1 - 1e-9));
        expect(longestOfStep(step)).toBeLessThan(took * 1.045);
      }),
    );
  });

  it('holds what takes exactly as long as its longest', () => {
    for (let step = 0; step < SLOWEST_STEP; step += 1) expect(latencyStep(longestOfStep(step))).toBe(step);
  });

  it('is the first for what is shorter than can be told, and the last for what is longer', () => {
    expect([0, -1, 0.0001, NaN].map(latencyStep)).toEqual([0, 0, 0, 0]);
    expect([700, 86_400, Infinity].map(latencyStep)).toEqual(Array(3).fill(SLOWEST_STEP));
    expect(longestOfStep(SLOWEST_STEP)).toBe(Infinity);
  });
});

describe('counts', () => {
  const counts = fc
    .array(fc.tuple(fc.nat(SLOWEST_STEP), fc.integer({ min: 1, max: 1_000_000_000 })), { maxLength: SLOWEST_STEP })
    .map((entries) => new Map(entries));

  it('are read as they were told', () => {
    fc.assert(
      fc.property(counts, (told) => {
        expect(parseLatencyCounts(latencyCountsText.parse(formatLatencyCounts(told)))).toEqual(told);
      }),
    );
  });

  it('of steps that we do not have are of the last', () => {
    expect(parseLatencyCounts('999:2 998:3 0:1')).toEqual(
      new Map([
        [SLOWEST_STEP, 5],
        [0, 1],
      ]),
    );
  });

  it.each(['1', '1:', '-1:2', '1:2,3:4', '1:2 ', '1:1e9', 'a:b', `${'1:2 '.repeat(4000)}1:2`])(
    'that cannot be read are refused: %s',
    (text) => expect(latencyCountsText.safeParse(text).success).toBe(false),
  );
});
