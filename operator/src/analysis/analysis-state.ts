/** What is known of a candidate and stable since a step of a rollout began, and how it grows. */
import type { Analysis, AnalysisCheck } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { latencyStep, longestOfStep, SLOWEST_STEP } from '@slipway/crds/latency-counts';
import { secondsOf } from '../go-duration.ts';
import { compareWithLimit, compareWithStable, NOTHING_COMPARED, sumOfComparisons } from './evidence.ts';
import type { Allowance, Comparison, Counts } from './evidence.ts';
import { countOf, NO_PAIR, slowerThan, stepOfSlowest, sumPairs } from './revision-statistics.ts';
import type { Pair, RevisionStatistics } from './revision-statistics.ts';

type Check = DeepReadonly<AnalysisCheck>;

export interface AnalysisState {
  /** Without `open`. */
  readonly compared: Pair;
  /** What is since then: too few for a comparison yet. */
  readonly open: Pair;
  /** By `comparisonKey`. */
  readonly comparisons: ReadonlyMap<string, Comparison>;
}

export const NOTHING_OBSERVED: AnalysisState = { compared: NO_PAIR, open: NO_PAIR, comparisons: new Map() };

const SLOW_SHARES: Readonly<Record<AnalysisCheck['metric'], number | undefined>> = {
  ErrorRate: undefined,
  LatencyP50: 0.5,
  LatencyP95: 0.05,
  LatencyP99: 0.01,
};

/** The share of requests that may be slower than a latency that the check speaks of; undefined where it speaks of errors. */
export function slowShareOf({ metric }: Pick<Check, 'metric'>): number | undefined {
  return SLOW_SHARES[metric];
}

/** How often what was counted is observed. A hiccup that is shorter counts once. */
export const OBSERVE_MS = 10_000;
/**
 * Requests of each revision that a portion of time has before it is compared. What it tells is told by its own requests of both,
 * so that times of day and other splits of traffic do not mix; one with fewer would tell nothing.
 */
const PORTION = 10;
/** Requests of the candidate for which it is waited until stable has as many as that. */
const WAITING = 50;

/** With what was counted since the last call, {@link OBSERVE_MS} ago or more. */
export function observe(state: AnalysisState, analysis: DeepReadonly<Analysis>, since: Pair): AnalysisState {
  const open = sumPairs(state.open, since);
  const { candidate, stable } = open;
  if (candidate.requests < PORTION || (stable.requests < PORTION && candidate.requests < WAITING))
    return { ...state, open };
  const comparisons = new Map(
    analysis.checks.map((check) => {
      const key = comparisonKey(check);
      const known = state.comparisons.get(key) ?? NOTHING_COMPARED;
      return [key, sumOfComparisons(known, comparePortion(check, open, state.compared.stable))];
    }),
  );
  return { compared: sumPairs(state.compared, open), open: NO_PAIR, comparisons };
}

/** By what is compared, so that a check that is changed begins anew. */
export function comparisonKey({ metric, max, maxLatency, notWorseThanStable }: Check): string {
  if (notWorseThanStable === undefined) return `${metric} ${max ?? maxLatency}`;
  const { factor, by, byLatency } = notWorseThanStable;
  return `${metric} ${factor === undefined ? `+${by ?? byLatency}` : `x${factor}`}`;
}

/** `before`: of stable, from earlier portions. */
function comparePortion(check: Check, { candidate, stable }: Pair, before: RevisionStatistics): Comparison {
  const { max = 0, maxLatency = '', notWorseThanStable } = check;
  const slowShare = slowShareOf(check);
  if (slowShare === undefined) {
    if (notWorseThanStable === undefined) return compareWithLimit(failed(candidate), max);
    const { factor = 1, by = 0 } = notWorseThanStable;
    return compareWithStable(failed(candidate), failed(stable), { factor, by });
  }
  if (notWorseThanStable === undefined)
    return compareWithLimit(slowerOf(candidate, latencyStep(secondsOf(maxLatency))), slowShare);
  // What is slow was said before these requests came, else they could not speak against it.
  const slow = stepOfSlowest(before.latencies, slowShare);
  if (slow === undefined || slow === SLOWEST_STEP) return NOTHING_COMPARED;
  const slowOfCandidate = latencyStep(allowedSeconds(check, longestOfStep(slow)));
  return compareWithStable(slowerOf(candidate, slowOfCandidate), slowerOf(stable, slow), AS_MANY);
}

/** The candidate's requests may take so much longer, and then as many of them may be slow. */
const AS_MANY: Allowance = { factor: 1, by: 0 };

/** What the candidate may take where stable takes `seconds`. */
export function allowedSeconds({ notWorseThanStable = {} }: Check, seconds: number): number {
  const { factor = 1, byLatency } = notWorseThanStable;
  return factor * seconds + (byLatency === undefined ? 0 : secondsOf(byLatency));
}

function failed({ requests, errors }: RevisionStatistics): Counts {
  return { requests, bad: errors };
}

function slowerOf({ latencies }: RevisionStatistics, step: number): Counts {
  return { requests: countOf(latencies), bad: slowerThan(latencies, step) };
}
