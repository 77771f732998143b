/** What is said of a candidate, by what was counted. */
import type { Analysis, AnalysisCheck } from '@slipway/crds';
import { latencyStep } from '@slipway/crds/latency-counts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOTHING_OBSERVED, observe } from './analysis-state.ts';
import type { AnalysisState } from './analysis-state.ts';
import { judge } from './judge.ts';
import type { Judgement, Verdict } from './judge.ts';
import type { Pair, RevisionStatistics } from './revision-statistics.ts';

const analysisOf = (check: Partial<AnalysisCheck>, more: Partial<Analysis> = {}): Analysis => ({
  minSamples: 100,
  onNoData: 'Hold',
  checks: [{ name: 'it', metric: 'ErrorRate', ...check }],
  ...more,
});

/** Requests of which some failed, and which all took as long, but for some that took longer. */
function had(
  requests: number,
  more: { errors?: number; seconds?: number; slow?: [number, number] } = {},
): RevisionStatistics {
  const { errors = 0, seconds = 0.1, slow: [slow, slowSeconds] = [0, 1] } = more;
  const latencies = new Map([
    [latencyStep(seconds), requests - slow],
    [latencyStep(slowSeconds), slow],
  ]);
  return { requests, errors, latencies: new Map([...latencies].filter(([, count]) => count > 0)) };
}

/** Told a tenth at a time, as far as that goes. */
function observed(analysis: Analysis, { candidate, stable }: Pair): AnalysisState {
  const part = (whole: number, index: number) =>
    Math.floor((whole * (index + 1)) / 10) - Math.floor((whole * index) / 10);
  const partOf = ({ requests, errors, latencies }: RevisionStatistics, index: number) => ({
    requests: part(requests, index),
    errors: part(errors, index),
    latencies: new Map([...latencies].map(([step, count]) => [step, part(count, index)])),
  });
  return Array.from({ length: 10 }, (_, index) => ({
    candidate: partOf(candidate, index),
    stable: partOf(stable, index),
  })).reduce((state, since) => observe(state, analysis, since), NOTHING_OBSERVED);
}

function judgedBy(analysis: Analysis, candidate: RevisionStatistics, stable: RevisionStatistics = had(0)): Judgement {
  return judge(observed(analysis, { candidate, stable }), analysis, { steps: 1 });
}

const atMost = (max: number) => analysisOf({ max });
const noMore = (notWorseThanStable: AnalysisCheck['notWorseThanStable']) => analysisOf({ notWorseThanStable });
const p95 = (check: Partial<AnalysisCheck>) => analysisOf({ metric: 'LatencyP95', ...check });

type Row = readonly [Verdict, string, Analysis, RevisionStatistics, RevisionStatistics?];

const SAID: readonly Row[] = [
  ['Failing', 'errors 3.1 % > 1 % (812 samples)', atMost(0.01), had(812, { errors: 25 })],
  ['Failing', 'errors 100 % > 1 % (40 of 100 samples)', atMost(0.01), had(40, { errors: 40 }), had(100)],
  [
    'Undecided',
    'errors 100 % > 1 %, which may be chance (29 of 100 samples)',
    atMost(0.01),
    had(29, { errors: 29 }),
    had(100),
  ],
  ['Failing', 'errors 0.0001 % > 0 % (1000000 samples)', atMost(0), had(1e6, { errors: 1 })],
  ['Passing', 'errors 0.25 % <= 1 % (812 samples)', atMost(0.01), had(812, { errors: 2 })],
  ['Passing', 'errors 1 % <= 1 % (200 samples)', atMost(0.01), had(200, { errors: 2 })],
  ['Undecided', 'errors 0 % <= 1 % (12 of 100 samples)', atMost(0.01), had(12)],
  ['Undecided', 'errors 1.5 % > 1 %, which may be chance (200 samples)', atMost(0.01), had(200, { errors: 3 })],
  ['Undecided', 'errors 1.001 % > 1 %, which may be chance (100000 samples)', atMost(0.01), had(1e5, { errors: 1001 })],
  ['NoData', 'errors: no request of candidate yet', atMost(0.01), had(0)],
  ['Failing', 'errors 3 % > 1.25 % (2000 samples)', atMost(0.0125), had(2000, { errors: 60 })],

  [
    'Failing',
    "errors 3 % > 1.2 x stable's 1 % (2000 samples)",
    noMore({ factor: 1.2 }),
    had(2000, { errors: 60 }),
    had(20_000, { errors: 200 }),
  ],
  [
    'Failing',
    "errors 5 % > stable's 1 % + 0.5 % (2000 samples)",
    noMore({ by: 0.005 }),
    had(2000, { errors: 100 }),
    had(20_000, { errors: 200 }),
  ],
  [
    'Failing',
    "errors 3 % > stable's 1 % (2000 samples)",
    noMore({ factor: 1 }),
    had(2000, { errors: 60 }),
    had(20_000, { errors: 200 }),
  ],
  [
    'Passing',
    "errors 1.1 % <= 1.2 x stable's 1 % (2000 samples)",
    noMore({ factor: 1.2 }),
    had(2000, { errors: 22 }),
    had(20_000, { errors: 200 }),
  ],
  [
    'Undecided',
    "errors 1.5 % > 1.2 x stable's 1 %, which may be chance (200 samples)",
    noMore({ factor: 1.2 }),
    had(200, { errors: 3 }),
    had(2000, { errors: 20 }),
  ],
  [
    'Undecided',
    "errors 0 % <= 1.2 x stable's 0 % (40 of 100 samples of stable)",
    noMore({ factor: 1.2 }),
    had(2000),
    had(40),
  ],
  [
    'Undecided',
    'errors: too few requests to compare yet (0 of 100 samples)',
    noMore({ factor: 1.2 }),
    had(7, { errors: 7 }),
    had(2000),
  ],
  ['NoData', 'errors: no request of stable yet', noMore({ factor: 1.2 }), had(200)],
  ['NoData', 'errors: no request of candidate yet', noMore({ factor: 1.2 }), had(0), had(200)],

  ['Passing', 'p95 98 ms <= 250 ms (500 samples)', p95({ maxLatency: '250ms' }), had(500, { slow: [20, 2] })],
  ['Failing', 'p95 1.9 s > 250 ms (500 samples)', p95({ maxLatency: '250ms' }), had(500, { slow: [60, 2] })],
  [
    'Undecided',
    'p95 1.9 s > 250 ms, which may be chance (500 samples)',
    p95({ maxLatency: '250ms' }),
    had(500, { slow: [30, 2] }),
  ],
  ['NoData', 'p95: no time of candidate yet', p95({ maxLatency: '250ms' }), { ...had(50), latencies: new Map() }],
  [
    'Failing',
    "p95 140 ms > 1.2 x stable's 98 ms (500 samples)",
    p95({ notWorseThanStable: { factor: 1.2 } }),
    had(500, { seconds: 0.15 }),
    had(5000),
  ],
  [
    'Failing',
    "p95 140 ms > stable's 98 ms + 20ms (500 samples)",
    p95({ notWorseThanStable: { byLatency: '20ms' } }),
    had(500, { seconds: 0.15 }),
    had(5000),
  ],
  [
    'Passing',
    "p95 98 ms <= stable's 98 ms (500 samples)",
    p95({ notWorseThanStable: { factor: 1 } }),
    had(500),
    had(5000),
  ],
];

describe('a check says', () => {
  for (const [verdict, message, analysis, candidate, stable] of SAID)
    it(`${verdict}: ${message}`, () => {
      const { checks, ...all } = judgedBy(analysis, candidate, stable);
      expect(all).toEqual({ verdict, message });
      expect(checks).toMatchObject([{ name: 'it', verdict, message }]);
    });

  it('what it was measured by', () => {
    expect(judgedBy(atMost(0.01), had(812, { errors: 25 })).checks).toEqual([
      {
        name: 'it',
        metric: 'ErrorRate',
        verdict: 'Failing',
        value: 25 / 812,
        limit: 0.01,
        samples: 812,
        message: 'errors 3.1 % > 1 % (812 samples)',
      },
    ]);
  });
});

describe('several checks', () => {
  const [good, bad, slow] = [
    { name: 'good', metric: 'ErrorRate', max: 0.5 },
    { name: 'bad', metric: 'ErrorRate', max: 0.001 },
    { name: 'slow', metric: 'LatencyP99', maxLatency: '10ms' },
  ] as const;

  it('the worst counts, and says why', () => {
    const analysis = analysisOf({}, { checks: [good, bad, slow] });
    const { verdict, message, checks } = judgedBy(analysis, had(812, { errors: 25 }));

    expect(checks.map((check) => check.verdict)).toEqual(['Passing', 'Failing', 'Failing']);
    expect({ verdict, message }).toEqual({
      verdict: 'Failing',
      message: 'errors 3.1 % > 0.1 % (812 samples); p99 98 ms > 10 ms (812 samples)',
    });
  });

  it('have to agree that there is success', () => {
    const analysis = analysisOf(
      {},
      { checks: [good, { ...good, name: 'beside', max: undefined, notWorseThanStable: { factor: 2 } }] },
    );
    expect(judgedBy(analysis, had(812)).verdict).toBe('NoData');
    expect(judgedBy(analysis, had(812), had(30)).verdict).toBe('Undecided');
    expect(judgedBy(analysis, had(812), had(812)).verdict).toBe('Passing');
  });

  it('and steps share what may go wrong', () => {
    const analysis = atMost(0.01);
    const state = observed(analysis, { candidate: had(200, { errors: 9 }), stable: had(200) });
    expect(judge(state, analysis, { steps: 1 }).verdict).toBe('Failing');
    expect(judge(state, analysis, { steps: 50 }).verdict).toBe('Undecided');
    expect(judge(state, analysis, { steps: 1, falseAborts: 0.0001 }).verdict).toBe('Undecided');
  });
});

it('a time of day in which all fail more is no fault of the candidate, however traffic was split then', () => {
  const analysis = noMore({ factor: 1 });
  const quiet = { candidate: had(100), stable: had(1900, { errors: 2 }) };
  const storm = { candidate: had(1000, { errors: 50 }), stable: had(1000, { errors: 50 }) };
  const state = [quiet, quiet, storm, quiet].reduce(
    (known, since) => observe(known, analysis, since),
    NOTHING_OBSERVED,
  );

  const { candidate, stable } = state.compared;
  expect(candidate.errors / candidate.requests).toBeGreaterThan((3 * stable.errors) / stable.requests);
  expect(judge(state, analysis, { steps: 1 }).verdict).toBe('Passing');
});

it('a check that is changed begins anew, and another that stays does not', () => {
  const before = analysisOf({ name: 'a', notWorseThanStable: { factor: 1 } });
  const state = observed(before, { candidate: had(1000, { errors: 60 }), stable: had(1000, { errors: 10 }) });
  const stays = { name: 'b', metric: 'ErrorRate', notWorseThanStable: { factor: 1 } } as const;
  const after = analysisOf(
    {},
    { checks: [{ name: 'a', metric: 'ErrorRate', notWorseThanStable: { factor: 2 } }, stays] },
  );

  const verdicts = judge(state, after, { steps: 1 }).checks.map(({ verdict }) => verdict);
  expect(verdicts).toEqual(['Undecided', 'Failing']);
});

describe('at a thousand million requests', () => {
  it.each([
    ['Passing', 10_000_000],
    ['Undecided', 10_000_100],
    ['Failing', 10_100_000],
  ])('%s with %d errors where 1 %% may fail', (verdict, errors) => {
    expect(judgedBy(atMost(0.01), had(1e9, { errors })).verdict).toBe(verdict);
  });

  it.each([
    ['Passing', 10_000_000],
    ['Undecided', 10_000_100],
    ['Failing', 10_100_000],
  ])('%s with %d errors where stable has 1 %%', (verdict, errors) => {
    expect(judgedBy(noMore({ factor: 1 }), had(1e9, { errors }), had(1e9, { errors: 1e7 })).verdict).toBe(verdict);
  });
});

describe('whatever was counted', () => {
  const check: fc.Arbitrary<Partial<AnalysisCheck>> = fc.oneof(
    fc.constantFrom(0, 1e-6, 0.01, 0.5, 1).map((max) => ({ max })),
    fc.constantFrom(1, 1.2, 100).map((factor) => ({ notWorseThanStable: { factor } })),
    fc.constantFrom(0, 0.01, 1).map((by) => ({ notWorseThanStable: { by } })),
    fc
      .tuple(
        fc.constantFrom('LatencyP50', 'LatencyP95', 'LatencyP99'),
        fc.constantFrom(
          { maxLatency: '1ms' },
          { maxLatency: '10m' },
          { notWorseThanStable: { factor: 1.5 } },
          { notWorseThanStable: { byLatency: '10m' } },
        ),
      )
      .map(([metric, limit]) => ({ metric, ...limit })),
  );
  const analysis = fc
    .tuple(check, fc.integer({ min: 1, max: 500 }))
    .map(([one, minSamples]) => analysisOf(one, { minSamples }));
  const count = fc.oneof(fc.nat(50), fc.nat(1000), fc.nat(1_000_000_000));
  const revision = fc
    .record({
      all: count,
      bad: fc.double({ min: 0, max: 1, noNaN: true }),
      times: fc.array(fc.tuple(fc.nat(362), fc.nat(100_000)), { maxLength: 5 }),
    })
    .map(({ all, bad, times }) => ({ requests: all, errors: Math.floor(all * bad), latencies: new Map(times) }));
  const pairs = fc.array(fc.record({ candidate: revision, stable: revision }), { maxLength: 6 });
  const after = (known: Analysis, all: readonly Pair[]) =>
    all.reduce((state, since) => observe(state, known, since), NOTHING_OBSERVED);

  it('nothing passes below minSamples, and every figure is one', () => {
    fc.assert(
      fc.property(analysis, pairs, (known, all) => {
        const { checks, message } = judge(after(known, all), known, { steps: 3 });
        for (const { verdict, samples, value = 0, limit = 0 } of checks) {
          if (samples < known.minSamples) expect(verdict).not.toBe('Passing');
          expect(Number.isFinite(value) && Number.isFinite(limit) && Number.isFinite(samples)).toBe(true);
        }
        expect(message).not.toMatch(/NaN|Infinity|undefined/);
      }),
    );
  });

  it('more errors are never better', () => {
    const BADNESS: readonly Verdict[] = ['Passing', 'Undecided', 'Failing'];
    const errorCheck = check.filter(({ metric }) => metric === undefined);
    fc.assert(
      fc.property(errorCheck, pairs, fc.nat(5), fc.nat(1000), (one, all, where, more) => {
        const known = analysisOf(one);
        const worse = all.map((pair, index) => {
          const { requests, errors } = pair.candidate;
          if (index !== where) return pair;
          return { ...pair, candidate: { ...pair.candidate, errors: Math.min(requests, errors + more) } };
        });
        const [before, then] = [all, worse].map((each) => judge(after(known, each), known, { steps: 1 }).verdict);
        expect(BADNESS.indexOf(then as Verdict)).toBeGreaterThanOrEqual(BADNESS.indexOf(before as Verdict));
      }),
    );
  });

  it('what is failing is above its limit, and is said to be', () => {
    fc.assert(
      fc.property(analysis, pairs, (known, all) => {
        for (const { verdict, value, limit, message } of judge(after(known, all), known, { steps: 1 }).checks) {
          const isAbove = value !== undefined && limit !== undefined && value > limit;
          if (verdict === 'Failing') expect(isAbove).toBe(true);
          if (verdict === 'Passing') expect(isAbove).toBe(false);
          expect(message.includes(' > ')).toBe(verdict !== 'NoData' && isAbove);
        }
      }),
    );
  });
});
