/** What a check looks at: the candidate's value, what it must not be above, and how strongly the counts say that it is. */
import type { AnalysisCheck } from '@slipway/crds';
import { longestOfStep } from '@slipway/crds/latency-counts';
import type { DeepReadonly } from '@slipway/kube';
import { secondsOf } from '../go-duration.ts';
import { allowedSeconds, comparisonKey, slowShareOf } from './analysis-state.ts';
import type { AnalysisState } from './analysis-state.ts';
import { NOTHING_COMPARED, strengthOf } from './evidence.ts';
import type { Comparison } from './evidence.ts';
import { countOf, stepOfSlowest } from './revision-statistics.ts';
import type { Pair, RevisionStatistics } from './revision-statistics.ts';

type Check = DeepReadonly<AnalysisCheck>;

export interface Measured {
  /** A share, or seconds. undefined where there is none yet. */
  readonly value: number | undefined;
  /** What the value must not be above. undefined where stable has no value yet. */
  readonly limit: number | undefined;
  /** How surely the value is above the limit, as `strengthOf` says it. */
  readonly strength: number;
  /** Requests of the candidate that the value is of. */
  readonly samples: number;
  /** What the limit hangs on, where it hangs on stable. */
  readonly stable: { readonly samples: number; readonly value: number | undefined } | undefined;
  /** A revision that had no request that the check could look at. */
  readonly without: 'candidate' | 'stable' | undefined;
}

/** `all`: what was compared, and what was not yet. */
export function measure(check: Check, state: AnalysisState, all: Pair): Measured {
  const comparison = state.comparisons.get(comparisonKey(check)) ?? NOTHING_COMPARED;
  return check.notWorseThanStable === undefined
    ? besideLimit(check, comparison, all.candidate)
    : besideStable(check, comparison, { all, compared: state.compared });
}

function besideLimit(check: Check, { evidence }: Comparison, candidate: RevisionStatistics): Measured {
  const { max = 0, maxLatency = '' } = check;
  const slowShare = slowShareOf(check);
  const samples = requestsOf(check, candidate);
  const isProof = slowShare === undefined && max === 0 && candidate.errors > 0;
  return {
    value: slowShare === undefined ? shareOf(candidate.errors, samples) : quantileOf(candidate, slowShare),
    limit: slowShare === undefined ? max : secondsOf(maxLatency),
    // One that may not be at all is no chance.
    strength: isProof ? Infinity : strengthOf(evidence),
    samples,
    stable: undefined,
    without: samples === 0 ? 'candidate' : undefined,
  };
}

/** By the portions of time that were compared, of which there is none as long as a revision has too few requests. */
function besideStable(
  check: Check,
  { evidence, bad, badOfStable, weight }: Comparison,
  { all, compared }: { readonly all: Pair; readonly compared: Pair },
): Measured {
  const slowShare = slowShareOf(check);
  const [value, reference] =
    slowShare === undefined
      ? [shareOf(bad, weight), shareOf(badOfStable, weight)]
      : [quantileOf(compared.candidate, slowShare), quantileOf(compared.stable, slowShare)];
  return {
    value,
    limit: reference === undefined ? undefined : allowedBeside(check, reference),
    strength: strengthOf(evidence),
    samples: requestsOf(check, compared.candidate),
    stable: { samples: requestsOf(check, compared.stable), value: reference },
    without: (['candidate', 'stable'] as const).find((name) => requestsOf(check, all[name]) === 0),
  };
}

/** Those whose latency is known, where that is what counts. */
function requestsOf(check: Check, { requests, latencies }: RevisionStatistics): number {
  return slowShareOf(check) === undefined ? requests : countOf(latencies);
}

/** What the candidate may have where stable has `reference`. */
export function allowedBeside(check: Check, reference: number): number {
  if (slowShareOf(check) !== undefined) return allowedSeconds(check, reference);
  const { factor = 1, by = 0 } = check.notWorseThanStable ?? {};
  return factor * reference + by;
}

function shareOf(part: number, whole: number): number | undefined {
  return whole > 0 ? part / whole : undefined;
}

/** Seconds that it surely is not below; the true one is less than 4.5 % above. */
function quantileOf({ latencies }: RevisionStatistics, slowShare: number): number | undefined {
  const step = stepOfSlowest(latencies, slowShare);
  if (step === undefined) return undefined;
  return step === 0 ? 0 : longestOfStep(step - 1);
}
