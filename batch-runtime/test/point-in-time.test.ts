import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { latestValue, windowValue } from './brute-force.ts';
import type { FeatureRow, Prediction, WindowFunction } from './brute-force.ts';
import { joinTables } from './join-table.ts';

const HOUR = 3_600_000_000;
const BASE = 1_362_898_800_000_000; // 2013-03-10T07:00:00Z, when New York's clocks went forward
const FUNCTIONS: readonly WindowFunction[] = ['Mean', 'Sum', 'Min', 'Max', 'Count'];

/** Few distinct moments, so that ties and borders are common, and a microsecond on either side of each. */
const moment = fc
  .tuple(fc.integer({ min: 0, max: 12 }), fc.constantFrom(-1, 0, 0, 0, 1))
  .map(([hours, offset]) => BASE + hours * HOUR + offset);
const key = fc.constantFrom('a', 'a', 'b', '12', '1', null);
const value = fc.option(fc.constantFrom(0, 1, -3, 0.1, 1e9, -1e9, 7.25), { freq: 5 });

const featureRow = fc
  .record({
    keys: fc.tuple(key, fc.constantFrom('x', '23', '3')),
    event: moment,
    value,
    lag: fc.constantFrom(0, 0, 1, HOUR, 3 * HOUR, -HOUR),
  })
  .map(({ lag, event, ...row }): FeatureRow => ({ ...row, event, known: event + lag }));
const prediction = fc.record({ keys: fc.tuple(key, fc.constantFrom('x', '23', '3')), at: moment });
const scenario = fc.record({
  rows: fc.array(featureRow, { maxLength: 14 }),
  predictions: fc.array(prediction, { minLength: 1, maxLength: 8 }),
});

const SCENARIOS_A_JOIN = 40;
const settings = fc.record({
  ttl: fc.constantFrom('Unlimited', '0s', '1h', '2h', '5h'),
  range: fc.constantFrom('1h', '2h', '3h', '30m', '24h'),
  scenarios: fc.array(scenario, { minLength: SCENARIOS_A_JOIN, maxLength: SCENARIOS_A_JOIN }),
  secondRows: fc.array(featureRow, { maxLength: 14 }),
});

function micros(duration: string): number {
  if (duration === 'Unlimited') return Number.POSITIVE_INFINITY;
  return Number.parseInt(duration, 10) * (duration.endsWith('m') ? HOUR / 60 : duration.endsWith('h') ? HOUR : 1e6);
}

/** Many small scenarios in one join, told apart by one more key. */
function labelled<T extends { readonly keys: readonly (string | null)[] }>(items: readonly T[], index: number): T[] {
  return items.map((item) => ({ ...item, keys: [...item.keys, `s${index}`] }));
}

function expectSame(found: unknown, wanted: number | null, what: string): void {
  if (wanted === null) return expect(found, what).toBeNull();
  expect(typeof found === 'bigint' ? Number(found) : found, what).toBeTypeOf('number');
  const difference = Math.abs(Number(found) - wanted);
  expect(difference, `${what}: ${String(found)} instead of ${wanted}`).toBeLessThanOrEqual(
    1e-9 * Math.max(1, Math.abs(wanted)),
  );
}

interface Batch {
  readonly ttl: string;
  readonly range: string;
  readonly rows: readonly FeatureRow[];
  readonly secondRows: readonly FeatureRow[];
  readonly predictions: readonly Prediction[];
}

function select(
  range: string,
): { name: string; type: string; window?: { function: WindowFunction; of: string; range: string } }[] {
  return [
    { name: 'latest', type: 'Float64' },
    ...FUNCTIONS.map((name) => ({
      name: name.toLowerCase(),
      type: name === 'Count' ? 'Int64' : 'Float64',
      window: { function: name, of: 'v', range },
    })),
  ];
}

async function compare({ ttl, range, rows, secondRows, predictions }: Batch): Promise<number> {
  const joined = await joinTables(
    [
      { rows, ttl, select: select(range) },
      { rows: secondRows, ttl: 'Unlimited', select: [{ name: 'other', type: 'Float64' }] },
    ],
    predictions,
  );
  expect(joined).toHaveLength(predictions.length);
  for (const [index, wanted] of predictions.entries()) {
    const found = joined[index] ?? {};
    const options = { ttl: micros(ttl), range: micros(range) };
    expectSame(found['latest'], latestValue(rows, wanted, options.ttl), `latest of row ${index}`);
    expectSame(found['other'], latestValue(secondRows, wanted, Number.POSITIVE_INFINITY), `other of row ${index}`);
    for (const computes of FUNCTIONS) {
      const column = computes.toLowerCase();
      expectSame(found[column], windowValue(rows, wanted, { ...options, computes }), `${column} of row ${index}`);
    }
  }
  return predictions.length;
}

describe('the point-in-time join against its definition', () => {
  it(
    'agrees on thousands of random tables with null keys, ties, late and early knowledge, and borders',
    { timeout: 180_000 },
    async () => {
      let compared = 0;
      await fc.assert(
        fc.asyncProperty(settings, async ({ ttl, range, scenarios, secondRows }) => {
          const rows = scenarios.flatMap((one, index) => labelled(one.rows, index));
          const predictions = scenarios.flatMap((one, index) => labelled(one.predictions, index));
          compared += await compare({ ttl, range, rows, secondRows: labelled(secondRows, 0), predictions });
        }),
        { numRuns: 35, seed: 20_130_310, endOnFailure: true },
      );
      expect(compared).toBeGreaterThan(5000);
    },
  );

  it('keeps sums exact when huge values enter and leave the window', async () => {
    const rows = Array.from({ length: 500 }, (_, index): FeatureRow => ({
      keys: ['a'],
      event: BASE + index * HOUR,
      known: BASE + index * HOUR,
      value: index % 50 === 0 ? 1e17 : 0.1 + index / 1000,
    }));
    const predictions = rows.map(({ event }) => ({ keys: ['a'], at: event }));
    await compare({ ttl: 'Unlimited', range: '5h', rows, secondRows: [], predictions });
  });
});

const at = (offset: number): number => BASE + offset;
const row = (event: number, known: number, amount: number, name = 'a'): FeatureRow => ({
  keys: [name],
  event: at(event),
  known: at(known),
  value: amount,
});
const latest = [{ name: 'f', type: 'Float64' }];

describe('rules of the join, broken by one microsecond', () => {
  const windowOf = (computes: WindowFunction) => [
    { name: 'f', type: 'Float64', window: { function: computes, of: 'v', range: '1h' } },
  ];
  const joinOne = async (
    rows: FeatureRow[],
    t: number,
    ttl = 'Unlimited',
    columns: { name: string; type: string }[] = latest,
  ): Promise<unknown> => (await joinTables([{ rows, ttl, select: columns }], [{ keys: ['a'], at: at(t) }]))[0]?.['f'];

  it('uses a row at its event time, not a microsecond before', async () => {
    expect(await joinOne([row(10, 10, 5)], 10)).toBe(5);
    expect(await joinOne([row(10, 10, 5)], 9)).toBeNull();
  });

  it('uses a row at the moment it became known, not a microsecond before', async () => {
    expect(await joinOne([row(0, 10, 5)], 10)).toBe(5);
    expect(await joinOne([row(0, 10, 5)], 9)).toBeNull();
  });

  it('uses a forecast at its event, though it was known before', async () => {
    expect(await joinOne([row(10, 0, 5)], 10)).toBe(5);
    expect(await joinOne([row(10, 0, 5)], 9)).toBeNull();
  });

  it('uses a row of exactly the ttl, not a microsecond older', async () => {
    expect(await joinOne([row(0, 0, 5)], HOUR, '1h')).toBe(5);
    expect(await joinOne([row(0, 0, 5)], HOUR + 1, '1h')).toBeNull();
  });

  it('leaves out of a window the row that is exactly its range old', async () => {
    expect(await joinOne([row(0, 0, 5)], HOUR - 1, 'Unlimited', windowOf('Sum'))).toBe(5);
    expect(await joinOne([row(0, 0, 5)], HOUR, 'Unlimited', windowOf('Sum'))).toBeNull();
  });

  it('takes into a window a row that becomes known in the middle of its life, not a microsecond before', async () => {
    expect(await joinOne([row(0, 100, 5)], 100, 'Unlimited', windowOf('Sum'))).toBe(5);
    expect(await joinOne([row(0, 100, 5)], 99, 'Unlimited', windowOf('Sum'))).toBeNull();
  });

  it('prefers the later event over a later knowledge of an older one', async () => {
    expect(await joinOne([row(1, 50, 1), row(2, 2, 2)], 60)).toBe(2);
    expect(await joinOne([row(1, 50, 1), row(1, 2, 2)], 60)).toBe(1);
    expect(await joinOne([row(1, 1, 1), row(1, 1, 2)], 60)).toBe(2);
  });

  it('takes a null of the winner rather than the value of an older row', async () => {
    expect(await joinOne([row(1, 1, 1), { ...row(2, 2, 0), value: null }], 60)).toBeNull();
  });
});

describe('defects of other feature stores that ours must not have', () => {
  it('D1: keys are compared one by one, never glued together', async () => {
    const rows: FeatureRow[] = [
      { keys: ['1', '23'], event: at(0), known: at(0), value: 100 },
      { keys: ['12', '3'], event: at(0), known: at(0), value: 999 },
    ];
    const predictions = [
      { keys: ['1', '23'], at: at(5) },
      { keys: ['12', '3'], at: at(5) },
    ];
    const joined = await joinTables([{ rows, ttl: 'Unlimited', select: latest }], predictions);
    expect(joined.map(({ f }) => f)).toEqual([100, 999]);
  });

  it('D2: equal rows give one row out, decided by the order of the source', async () => {
    const joined = await joinTables(
      [{ rows: [row(0, 0, 1), row(0, 0, 2)], ttl: 'Unlimited', select: latest }],
      [{ keys: ['a'], at: at(5) }],
    );
    expect(joined.map(({ f }) => f)).toEqual([2]);
  });

  it('D4: rows with nothing to join stay, with nulls', async () => {
    const predictions = [
      { keys: ['a'], at: at(-5) },
      { keys: ['a'], at: at(5 * HOUR) },
      { keys: ['b'], at: at(5) },
    ];
    const joined = await joinTables([{ rows: [row(0, 0, 1)], ttl: '1h', select: latest }], predictions);
    expect(joined.map(({ f }) => f)).toEqual([null, null, null]);
  });

  it('D5: predictions of the same key and moment stay apart', async () => {
    const twice = { keys: ['a'], at: at(5) };
    const joined = await joinTables(
      [{ rows: [row(0, 0, 1)], ttl: 'Unlimited', select: latest }],
      [twice, twice, twice],
    );
    expect(joined.map(({ f }) => f)).toEqual([1, 1, 1]);
  });
});
