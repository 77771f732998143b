/** What is written of an analysis is read as it was, and what nobody wrote is not read at all. */
import type { Analysis } from '@slipway/crds';
import { SLOWEST_STEP } from '@slipway/crds/latency-counts';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NOTHING_OBSERVED, observe } from './analysis-state.ts';
import type { AnalysisState } from './analysis-state.ts';
import { formatState, parseState } from './state-text.ts';
import { NO_REQUESTS } from './revision-statistics.ts';
import type { Pair } from './revision-statistics.ts';

const ANALYSIS: Analysis = {
  minSamples: 100,
  onNoData: 'Hold',
  checks: [
    { name: 'errors', metric: 'ErrorRate', notWorseThanStable: { factor: 1.2 } },
    { name: 'more', metric: 'ErrorRate', notWorseThanStable: { by: 0.01 } },
    { name: 'p50', metric: 'LatencyP50', notWorseThanStable: { factor: 1.1 } },
    { name: 'p95', metric: 'LatencyP95', notWorseThanStable: { factor: 1.1 } },
    { name: 'p99', metric: 'LatencyP99', notWorseThanStable: { factor: 1.2 } },
    { name: 'p50+', metric: 'LatencyP50', notWorseThanStable: { byLatency: '100ms' } },
    { name: 'p95+', metric: 'LatencyP95', notWorseThanStable: { byLatency: '100ms' } },
    { name: 'p99+', metric: 'LatencyP99', notWorseThanStable: { byLatency: '100ms' } },
  ],
};

const revision = fc
  .record({
    requests: fc.nat(1_000_000_000),
    bad: fc.double({ min: 0, max: 1, noNaN: true }),
    times: fc.array(fc.tuple(fc.nat(SLOWEST_STEP), fc.integer({ min: 1, max: 1e9 })), { maxLength: 20 }),
  })
  .map(({ requests, bad, times }) => ({ requests, errors: Math.floor(requests * bad), latencies: new Map(times) }));
const pairs = fc.array(fc.record({ candidate: revision, stable: revision }), { maxLength: 5 });

function observed(all: readonly Pair[], from: AnalysisState = NOTHING_OBSERVED): AnalysisState {
  return all.reduce((state, since) => observe(state, ANALYSIS, since), from);
}

describe('a state', () => {
  it('is read as it was written, and goes on as if it had not been', () => {
    fc.assert(
      fc.property(pairs, pairs, (before, after) => {
        const state = observed(before);
        const read = parseState(formatState(state));
        expect(read).toEqual(state);
        expect(observed(after, read)).toEqual(observed(after, state));
      }),
    );
  });

  it('fits an annotation, whatever requests took', () => {
    const latencies = new Map(Array.from({ length: SLOWEST_STEP + 1 }, (_, step) => [step, 123_456_789]));
    const all = { requests: 4e10, errors: 1e10, latencies };
    const closed = observed([{ candidate: all, stable: all }]);
    const text = formatState(
      observed([{ candidate: all, stable: NO_REQUESTS }], observed([{ candidate: all, stable: all }], closed)),
    );

    expect(text.length).toBeLessThan(32 * 1024);
    expect(parseState(text)).toBeDefined();
  });
});

const text = formatState(observed([{ candidate: NO_REQUESTS, stable: NO_REQUESTS }]));

it.each([
  ['nothing', ''],
  ['no JSON', '{'],
  ['another version', text.replace('"version":1', '"version":2')],
  ['more errors than requests', text.replace('"errors":0', '"errors":1')],
  ['less than nothing', text.replace('"requests":0', '"requests":-1')],
  ['what is no histogram', text.replace('"latencies":""', '"latencies":"many"')],
  [
    'a comparison without its evidence',
    text.replace('"comparisons":[]', '"comparisons":[["a",{"evidence":[],"bad":0,"badOfStable":0,"weight":0}]]'),
  ],
  ['too much', text + ' '.repeat(64 * 1024)],
])('what says %s is not read', (_, wrong) => {
  expect(wrong).not.toBe(text);
  expect(parseState(text)).toBeDefined();
  expect(parseState(wrong)).toBeUndefined();
});
