/** Evidence is worth what it says: by chance alone, what it multiplies a stake by is on average no more than one. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareWithLimit, compareWithStable, NOTHING_COMPARED, strengthOf, sumOfComparisons } from './evidence.ts';

/** The probability of `bad` of `requests`, where each is bad with `share`. */
function chanceOf(bad: number, requests: number, share: number): number {
  let ways = 1;
  for (let one = 1; one <= bad; one += 1) ways *= (requests - bad + one) / one;
  return ways * share ** bad * (1 - share) ** (requests - bad);
}

const upTo = (count: number) => Array.from({ length: count + 1 }, (_, one) => one);
// Of doubles, fast-check gives mostly such that are next to nothing.
const share = fc.nat(1000).map((thousandths) => thousandths / 1000);
/** Mostly all that is allowed. */
const part = fc.constantFrom(1, 1, 0.9, 0.5);

it('where a share is within the limit', () => {
  fc.assert(
    fc.property(fc.nat(30), share, part, (requests, limit, used) => {
      const mean = upTo(requests).reduce((sum, bad) => {
        const chance = chanceOf(bad, requests, limit * used);
        return chance === 0
          ? sum
          : sum + chance * Math.exp(strengthOf(compareWithLimit({ requests, bad }, limit).evidence));
      }, 0);
      expect(mean).toBeLessThanOrEqual(1 + 1e-9);
    }),
  );
});

it('where the share of the candidate is within what is allowed beside that of stable', () => {
  const allowance = fc.record({ factor: fc.integer({ min: 10, max: 200 }).map((tenths) => tenths / 10), by: share });
  const requests = fc.integer({ min: 1, max: 12 });
  fc.assert(
    fc.property(
      fc.tuple(requests, requests),
      allowance,
      fc.tuple(share, part),
      ([own, others], { factor, by }, [ofStable, used]) => {
        const ofCandidate = used * Math.min(1, factor * ofStable + by);
        let mean = 0;
        for (const bad of upTo(own))
          for (const badOfStable of upTo(others)) {
            const { evidence } = compareWithStable(
              { requests: own, bad },
              { requests: others, bad: badOfStable },
              { factor, by },
            );
            const chance = chanceOf(bad, own, ofCandidate) * chanceOf(badOfStable, others, ofStable);
            mean += chance * Math.exp(strengthOf(evidence));
          }
        expect(mean).toBeLessThanOrEqual(1 + 1e-9);
      },
    ),
  );
});

it('portions of time say together what they say, in whatever order they come', () => {
  const counts = fc
    .nat(1_000_000)
    .chain((requests) => fc.record({ requests: fc.constant(requests), bad: fc.nat(requests) }));
  const portions = fc.array(fc.tuple(counts, counts), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(portions, (all) => {
      const compared = all.map(([candidate, stable]) => compareWithStable(candidate, stable, { factor: 1.2, by: 0 }));
      const forth = compared.reduce(sumOfComparisons, NOTHING_COMPARED);
      const back = compared.toReversed().reduce(sumOfComparisons, NOTHING_COMPARED);
      expect(strengthOf(forth.evidence)).toBeCloseTo(strengthOf(back.evidence), 4);
      expect(forth.weight).toBeCloseTo(back.weight, 4);
    }),
  );
});
