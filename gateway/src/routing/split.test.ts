import { array, assert, double, integer, nat, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitByChance, splitByValue } from './split.ts';
import type { Weighted } from './split.ts';

/** Two to five revisions whose weights are 100 together, some of them 0. */
const splits = array(integer({ min: 0, max: 100 }), { minLength: 1, maxLength: 4 }).map((cuts) => {
  const points = [0, ...cuts.toSorted((a, b) => a - b), 100];
  return points.slice(1).map((point, index) => ({ revision: `r${index}`, weight: point - (points[index] ?? 0) }));
});

const entities = (count: number) => Array.from({ length: count }, (_, index) => `entity-${index}`);

describe('a split by chance', () => {
  it('gives each its share, and nothing to weight 0', () => {
    const shares = [
      { revision: 'a', weight: 0 },
      { revision: 'b', weight: 30 },
      { revision: 'c', weight: 70 },
    ];

    const drawn = Array.from({ length: 1000 }, (_, index) => splitByChance(shares, index / 1000).revision);

    expect(drawn.filter((revision) => revision === 'b')).toHaveLength(300);
    expect(drawn.filter((revision) => revision === 'c')).toHaveLength(700);
  });

  it('chooses one that has a weight, whatever is drawn', () => {
    assert(
      property(splits, double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (shares, random) => {
        expect(splitByChance(shares, random).weight).toBeGreaterThan(0);
      }),
    );
  });
});

describe('a split by value', () => {
  it('gives the same value to the same revision, in whatever order they stand', () => {
    assert(
      property(splits, string(), (shares, value) => {
        expect(splitByValue(shares.toReversed(), value, 's')).toBe(splitByValue(shares, value, 's'));
      }),
    );
  });

  it('gives nothing to weight 0', () => {
    assert(
      property(splits, string(), (shares, value) => {
        expect(splitByValue(shares, value, 's').weight).toBeGreaterThan(0);
      }),
    );
  });

  it('leaves everybody who is on a revision there while its weight grows and no other does', () => {
    assert(
      property(splits, nat(), array(nat({ max: 100 })), string(), (before, which, losses, value) => {
        const grown = before[which % before.length] as Weighted;
        const lost = before.map((share, index) => (share === grown ? 0 : Math.min(share.weight, losses[index] ?? 0)));
        const gained = lost.reduce((sum, loss) => sum + loss, 0);
        const after = before.map(({ revision, weight }, index) => ({
          revision,
          weight: revision === grown.revision ? weight + gained : weight - (lost[index] ?? 0),
        }));

        const was = splitByValue(before, value, 's').revision;
        if (was === grown.revision) expect(splitByValue(after, value, 's').revision).toBe(was);
      }),
      { numRuns: 2000 },
    );
  });

  it('gives shares that are the weights, within four standard deviations', () => {
    const shares = [
      { revision: 'stable', weight: 75 },
      { revision: 'next', weight: 20 },
      { revision: 'arm', weight: 5 },
    ];
    const count = 20_000;

    const chosen = entities(count).map((entity) => splitByValue(shares, entity, 'flights-7').revision);

    for (const { revision, weight } of shares) {
      const part = chosen.filter((each) => each === revision).length / count;
      const deviation = Math.sqrt(((weight / 100) * (1 - weight / 100)) / count);
      expect(Math.abs(part - weight / 100)).toBeLessThan(4 * deviation);
    }
  });

  it('divides the same entities anew with another salt', () => {
    const shares = [
      { revision: 'stable', weight: 50 },
      { revision: 'next', weight: 50 },
    ];
    const on = (salt: string) => entities(2000).map((entity) => splitByValue(shares, entity, salt).revision);

    const [one, other] = [on('one'), on('other')];

    const same = one.filter((revision, index) => revision === other[index]).length;
    expect(same).toBeGreaterThan(850);
    expect(same).toBeLessThan(1150);
  });
});
