/** Which steps are judged, and what follows from what was observed. */
import type { Analysis, ModelRollout } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { NOTHING_OBSERVED, observe } from '../../../analysis/analysis-state.ts';
import { formatStep } from '../../../analysis/written-step.ts';
import { NO_REQUESTS } from '../../../analysis/revision-statistics.ts';
import { NO_ROLLOUTS, NOTHING_ASKED } from '../../../rollouts/record.ts';
import type { Rollout, RolloutRecord } from '../../../rollouts/record.ts';
import { anInferenceService, NOW } from '../../../testing/fixtures.ts';
import { ANALYSIS_ANNOTATION, judgedStep, judgementOf, verdictOf, writtenState } from './judgement.ts';

const ANALYSIS: Analysis = {
  minSamples: 100,
  onNoData: 'Hold',
  checks: [
    { name: 'errors', metric: 'ErrorRate', max: 0.01 },
    { name: 'slower', metric: 'LatencyP95', notWorseThanStable: { factor: 1.1 } },
  ],
};
const STEPS = [
  { mirrorPercent: 20, atLeast: '1m' },
  { weight: 10, atLeast: '1m' },
  { weight: 50, atLeast: '1m' },
];
const service = (analysis?: Analysis) =>
  anInferenceService({ rollout: { strategy: 'Canary', canary: { steps: STEPS, ...(analysis && { analysis }) } } });

function at(step: number, more: Partial<Rollout> = {}): RolloutRecord {
  const current: Rollout = {
    number: 7,
    from: 'v1',
    to: 'v2',
    cause: 'SpecChange',
    phase: 'Progressing',
    step,
    begunAt: NOW.toISOString(),
    stablePods: 1,
    asked: NOTHING_ASKED,
    ...more,
  };
  return { ...NO_ROLLOUTS, lastNumber: 7, current };
}

describe('a step', () => {
  it.each([
    ['copies are not counted', 0, false],
    ['a weight is judged', 1, true],
    ['each weight is', 2, true],
    ['with all requests nothing is left to compare with', 3, false],
    ['a course may have become shorter', 9, false],
  ])('%s', (_, step, isJudged) => {
    expect(judgedStep(service(ANALYSIS), at(step))).toEqual(
      isJudged ? { analysis: ANALYSIS, of: { try: 1, step }, steps: 2 } : undefined,
    );
  });

  it('is not judged without an analysis, nor without a rollout', () => {
    expect(judgedStep(service(), at(1))).toBeUndefined();
    expect(judgedStep(service(ANALYSIS), NO_ROLLOUTS)).toBeUndefined();
  });

  it('has nothing of the step before it, nor of the try before it', () => {
    const read = (record: RolloutRecord) => {
      const metadata = { annotations: { [ANALYSIS_ANNOTATION]: formatStep({ try: 1, step: 1 }, NOTHING_OBSERVED) } };
      return writtenState(judgedStep(service(ANALYSIS), record)!, { metadata } as unknown as ModelRollout);
    };
    expect(read(at(1))).toEqual(NOTHING_OBSERVED);
    expect(read(at(2))).toBeUndefined();
    expect(read(at(1, { asked: { ...NOTHING_ASKED, try: 2 } }))).toBeUndefined();
  });
});

describe('a verdict', () => {
  const had = (requests: number, errors: number) => ({ requests, errors, latencies: new Map([[17, requests]]) });

  function verdict(candidate: typeof NO_REQUESTS, stable: typeof NO_REQUESTS, more: Partial<Analysis> = {}) {
    const analysis = { ...ANALYSIS, ...more };
    const step = { analysis, of: { try: 1, step: 1 }, steps: 2 };
    const once = observe(NOTHING_OBSERVED, analysis, { candidate, stable });
    return verdictOf(step, judgementOf(step, observe(once, analysis, { candidate, stable })));
  }

  const NONE = 'errors: no request of candidate yet; p95: no time of candidate yet';
  const CONTINUE = { onNoData: 'Continue' as const };
  it.each([
    ['passes', verdict(had(50, 0), had(500, 0)), 'Passing', /^errors 0 % <= 1 %/],
    ['is open', verdict(had(20, 0), had(500, 0)), 'Undecided', /^not decided yet: errors, slower$/],
    ['is without data', verdict(NO_REQUESTS, NO_REQUESTS), 'NoData', NONE],
    ['is without data of stable', verdict(had(50, 0), NO_REQUESTS), 'NoData', 'p95: no time of stable yet'],
    ['passes where that is taken for a pass', verdict(NO_REQUESTS, NO_REQUESTS, CONTINUE), 'Passing', NONE],
    ['is open where other checks are', verdict(had(20, 0), NO_REQUESTS, CONTINUE), 'Undecided', 'yet: errors'],
  ] as const)('%s', (_, said, expected, message) => {
    expect(said).toMatchObject({ verdict: expected, abortsWithoutData: false });
    expect(said.message).toMatch(message);
  });

  it('says with numbers what failed', () => {
    const all = { ...ANALYSIS, checks: [{ name: 'errors', metric: 'ErrorRate' as const, max: 0 }] };
    expect(verdict(had(50, 1), had(50, 0), all)).toMatchObject({
      verdict: 'Failing',
      message: 'errors 2 % > 0 % (100 samples)',
    });
  });

  it('is open, whatever to do without data, before the first look', () => {
    for (const onNoData of ['Hold', 'Abort', 'Continue'] as const)
      expect(verdictOf({ analysis: { ...ANALYSIS, onNoData } }, undefined).verdict).toBe('Undecided');
  });

  it('goes back without data where it shall', () => {
    expect(verdict(NO_REQUESTS, NO_REQUESTS, { onNoData: 'Abort' })).toMatchObject({
      verdict: 'NoData',
      abortsWithoutData: true,
    });
  });
});
