/** How often a candidate is sent back that is no worse than allowed, and how soon one that is: in simulated rollouts. */
import type { Analysis } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import {
  latencyOf,
  ourAnalyst,
  seededRandom,
  simulatedRevision,
  simulateRollout,
} from '../testing/analysis-simulation.ts';
import type { SimulatedRevision, SimulatedRollout } from '../testing/analysis-simulation.ts';

const STABLE = simulatedRevision(0.01);
/** Just what the candidate has, so that any less would be too little. */
const ANALYSIS: Analysis = {
  minSamples: 100,
  onNoData: 'Hold',
  checks: [
    { name: 'errors', metric: 'ErrorRate', max: 0.01 },
    { name: 'more-errors', metric: 'ErrorRate', notWorseThanStable: { factor: 1 } },
    { name: 'slow', metric: 'LatencyP95', maxLatency: `${Math.ceil(latencyOf(0.05) * 1000)}ms` },
    { name: 'slower', metric: 'LatencyP95', notWorseThanStable: { factor: 1 } },
  ],
};
const ROLLOUT: SimulatedRollout = {
  requestsPerSecond: 20,
  weights: [50],
  secondsOfStep: 300,
  candidate: STABLE,
  stable: STABLE,
};

function endsOf(rollouts: number, candidate: SimulatedRevision): readonly (number | undefined)[] {
  const rollout = { ...ROLLOUT, candidate };
  return Array.from({ length: rollouts }, (_, seed) => {
    const analyst = ourAnalyst(ANALYSIS, rollout.weights.length, seededRandom(-seed));
    return simulateRollout(rollout, [analyst], seededRandom(seed))[0];
  });
}

const aborted = (ends: readonly (number | undefined)[]) => ends.filter((end) => end !== undefined);

describe('of simulated rollouts with losses and restarts', () => {
  it('no more than one in twenty is aborted where the candidate is what stable is', () => {
    expect(aborted(endsOf(200, STABLE)).length).toBeLessThanOrEqual(10);
  }, 120_000);

  it.each([
    ['five more of a hundred fail', simulatedRevision(0.06)],
    ['all fail', simulatedRevision(1)],
    ['they take half as long again', simulatedRevision(0.01, 1.5)],
  ])('nearly all are aborted where %s', (_, candidate) => {
    expect(aborted(endsOf(20, candidate)).length).toBeGreaterThanOrEqual(19);
  });
});
