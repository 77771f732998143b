import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countOf, NO_REQUESTS, slowerThan, stepOfSlowest, sum } from './revision-statistics.ts';

const revision = fc
  .record({
    requests: fc.nat(1_000_000_000),
    errors: fc.nat(1_000_000_000),
    times: fc.array(fc.tuple(fc.nat(362), fc.integer({ min: 1, max: 1e9 })), { maxLength: 20 }),
  })
  .map(({ times, ...counts }) => ({ ...counts, latencies: new Map(times) }));

describe('a sum', () => {
  it('does not depend on the order', () => {
    fc.assert(
      fc.property(revision, revision, revision, (a, b, c) => {
        expect(sum(a, b)).toEqual(sum(b, a));
        expect(sum(sum(a, b), c)).toEqual(sum(a, sum(b, c)));
        expect(sum(a, NO_REQUESTS)).toEqual(a);
      }),
    );
  });
});

describe('the slowest', () => {
  it.each([
    [0.05, 30],
    [0.5, 20],
    [0.049, 40],
    [0, 40],
    [0.6, 10],
    [1, 0],
  ])('share of %d is slower than step %d and no slower one', (share, step) => {
    const latencies = new Map([
      [20, 45],
      [40, 5],
      [10, 40],
      [30, 10],
    ]);
    expect(stepOfSlowest(latencies, share)).toBe(step);
  });

  it('are no more than their share, and with the next ones they would be', () => {
    fc.assert(
      fc.property(revision, fc.double({ min: 0, max: 0.99, noNaN: true }), ({ latencies }, share) => {
        const step = stepOfSlowest(latencies, share);
        const allowed = share * countOf(latencies);
        if (step === undefined) expect(latencies.size).toBe(0);
        else {
          expect(slowerThan(latencies, step)).toBeLessThanOrEqual(allowed);
          if (step > 0) expect(slowerThan(latencies, step - 1)).toBeGreaterThan(allowed);
        }
      }),
    );
  });
});
