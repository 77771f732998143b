/** Rollouts under load, in simulated time: what gateways tell of a candidate and of stable, and who says that it shall go back. */
import type { Analysis } from '@slipway/crds';
import { latencyStep } from '@slipway/crds/latency-counts';
import { NOTHING_OBSERVED, observe, OBSERVE_MS } from '../analysis/analysis-state.ts';
import { judge } from '../analysis/judge.ts';
import { NO_REQUESTS, sum } from '../analysis/revision-statistics.ts';
import type { Pair, RevisionStatistics } from '../analysis/revision-statistics.ts';
import { formatState, parseState } from '../analysis/state-text.ts';

export interface SimulatedRevision {
  readonly errorRate: number;
  /** Of latency; one is as likely as another. */
  readonly steps: readonly number[];
  /** Errors come so many at a time: 1 where they are independent of each other. */
  readonly clump: number;
}

export interface SimulatedRollout {
  readonly requestsPerSecond: number;
  /** Per cent, one for each step. */
  readonly weights: readonly number[];
  readonly secondsOfStep: number;
  readonly candidate: SimulatedRevision;
  readonly stable: SimulatedRevision;
}

/** Whoever judges. */
export interface Analyst {
  /** A step begins. */
  begin(): void;
  /** What gateways told since the last look, 10 s ago. */
  wantsBack(told: Pair): boolean;
}

const LOOK_SECONDS = OBSERVE_MS / 1000;
/** A gateway dies before it has told of what it did. */
const LOSS = 0.02;
/** The operator is started again, and has what it wrote last. */
const RESTART = 0.02;
/** It writes so often. */
const LOOKS_TO_A_WRITE = 3;

/** From 0 to below 1, the same for the same seed. The generator is mulberry32, by Tommy Ettinger. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** When each wants stable back, in seconds from the beginning, on the same traffic; undefined: never. */
export function simulateRollout(
  rollout: SimulatedRollout,
  analysts: readonly Analyst[],
  random: () => number,
): readonly (number | undefined)[] {
  const { weights, secondsOfStep } = rollout;
  const inALook = rollout.requestsPerSecond * LOOK_SECONDS;
  const ends = analysts.map((): number | undefined => undefined);
  let seconds = 0;
  for (const weight of weights) {
    for (const analyst of analysts) analyst.begin();
    for (let left = secondsOfStep; left > 0; left -= LOOK_SECONDS) {
      seconds += LOOK_SECONDS;
      // Requests come when they come, and one of two gateways has lost its half.
      const told = random() < LOSS ? inALook / 2 : inALook;
      const ofCandidate = about(told * (weight / 100), random);
      const ofStable = about(told * (1 - weight / 100), random);
      const since = {
        candidate: requestsOf(rollout.candidate, ofCandidate, random),
        stable: requestsOf(rollout.stable, ofStable, random),
      };
      analysts.forEach((analyst, index) => {
        if (ends[index] === undefined && analyst.wantsBack(since)) ends[index] = seconds;
      });
      if (!ends.includes(undefined)) return ends;
    }
  }
  return ends;
}

/** The median of what requests of stable take, and how fast longer ones become rare; p95 is 104 ms, and p99 158 ms. */
const LATENCY = { medianSeconds: 0.05, shape: 4 };
const QUANTILES = 4096;

/** Seconds that all but a share of requests do not take longer than. The distribution is log-logistic, as its long tail is that of services. */
export function latencyOf(slowShare: number): number {
  return LATENCY.medianSeconds * ((1 - slowShare) / slowShare) ** (1 / LATENCY.shape);
}

/** `slowness`: how much longer its requests take than those of `latencyOf`. */
export function simulatedRevision(errorRate: number, slowness = 1): SimulatedRevision {
  const steps = Array.from({ length: QUANTILES }, (_, at) => latencyStep(slowness * latencyOf((at + 0.5) / QUANTILES)));
  return { errorRate, steps, clump: 1 };
}

/** What gateways tell of so many requests. */
function requestsOf(
  { errorRate, steps, clump }: SimulatedRevision,
  requests: number,
  random: () => number,
): RevisionStatistics {
  const latencies = new Map<number, number>();
  let errors = 0;
  for (let one = 0; one < requests; one += 1) {
    const step = steps[Math.floor(random() * QUANTILES)] ?? 0;
    latencies.set(step, (latencies.get(step) ?? 0) + 1);
    if (random() < errorRate / clump) errors += clump;
  }
  return { requests, errors: Math.min(requests, errors), latencies };
}

/** How many come where `mean` do on average, independently of each other. */
function about(mean: number, random: () => number): number {
  if (mean > 50) {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal));
  }
  let count = -1;
  for (let left = 1; left > Math.exp(-mean); count += 1) left *= random();
  return count;
}

/** Our analysis, in an operator that is started again now and then. */
export function ourAnalyst(analysis: Analysis, steps: number, random: () => number): Analyst {
  let [state, written, looks] = [NOTHING_OBSERVED, '', 0];
  return {
    begin: () => {
      state = NOTHING_OBSERVED;
      written = formatState(state);
    },
    wantsBack: (told) => {
      if (random() < RESTART) state = parseState(written) ?? NOTHING_OBSERVED;
      state = observe(state, analysis, told);
      looks += 1;
      if (looks % LOOKS_TO_A_WRITE === 0) written = formatState(state);
      return judge(state, analysis, { steps }).verdict === 'Failing';
    },
  };
}

export interface ArgoRule {
  /** How often it measures, and over which time. */
  readonly intervalSeconds: number;
  /** More measurements than so many that are out of bounds end it. */
  readonly failureLimit: number;
  /** For each metric, whether what was counted of the candidate in an interval is within bounds. */
  readonly isGood: readonly ((interval: RevisionStatistics) => boolean)[];
}

/** More in a row that found nothing end it, which is Argo's default. */
const CONSECUTIVE_ERRORS = 4;

/**
 * Argo Rollouts on the same figures, as its metrics are judged (`assessMetricStatus` in argoproj/argo-rollouts,
 * analysis/analysis.go): each measurement is held against a condition of its own; more than `failureLimit` of them failed, or
 * more than four in a row with an error, such as an empty answer of Prometheus, abort. Each step has an analysis of its own.
 */
export function argoAnalyst({ intervalSeconds, failureLimit, isGood }: ArgoRule): Analyst {
  const looks = intervalSeconds / LOOK_SECONDS;
  let [interval, seen, errors, failures] = [NO_REQUESTS, 0, 0, isGood.map(() => 0)];
  return {
    begin: () => {
      [interval, seen, errors, failures] = [NO_REQUESTS, 0, 0, isGood.map(() => 0)];
    },
    wantsBack: ({ candidate }) => {
      interval = sum(interval, candidate);
      seen += 1;
      if (seen % looks !== 0) return false;
      const measured = interval;
      interval = NO_REQUESTS;
      errors = measured.requests === 0 ? errors + 1 : 0;
      if (measured.requests > 0)
        failures = failures.map((count, metric) => count + (isGood[metric]?.(measured) ? 0 : 1));
      return errors > CONSECUTIVE_ERRORS || failures.some((count) => count > failureLimit);
    },
  };
}
