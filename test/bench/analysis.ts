/**
 * The analysis of canary rollouts beside the rule of Argo Rollouts, on the same traffic: `npm run bench -- analysis`. In simulated time, so that
 * the figures are the same on every machine.
 */
import type { Analysis, AnalysisCheck } from '@slipway/crds';
import { longestOfStep } from '@slipway/crds/latency-counts';
import { stepOfSlowest } from '../../operator/src/analysis/revision-statistics.ts';
import {
  argoAnalyst,
  latencyOf,
  ourAnalyst,
  seededRandom,
  simulatedRevision,
  simulateRollout,
} from '../../operator/src/testing/analysis-simulation.ts';
import type { Analyst, SimulatedRollout } from '../../operator/src/testing/analysis-simulation.ts';

const HOUR = 3600;
const STABLE = simulatedRevision(0.01);
const SLOW_SHARE = 0.05;
const ARGO_INTERVAL = 60;
const ARGO_LIMITS = [0, 3];
const NAMES = ['Slipway', ...ARGO_LIMITS.map((limit) => `Argo Rollouts, failureLimit ${limit}`)];

/** What a candidate may have: so many errors, and a p95 so many times that of stable. */
interface Allowed {
  readonly errorRate: number;
  readonly slowness: number;
  /** Of the candidate beside stable; of errors beside the limit, too, so that all have the same to go by. */
  readonly factor: number;
}

function contenders({ errorRate, slowness, factor }: Allowed, steps: number, seed: number): readonly Analyst[] {
  const checks: AnalysisCheck[] = [
    { name: 'errors', metric: 'ErrorRate', max: errorRate },
    { name: 'more-errors', metric: 'ErrorRate', notWorseThanStable: { factor } },
    { name: 'slower', metric: 'LatencyP95', notWorseThanStable: { factor: slowness } },
  ];
  const analysis: Analysis = { minSamples: 100, onNoData: 'Hold', checks };
  // Somebody has to know stable's p95, and to write it down.
  const p95 = slowness * latencyOf(SLOW_SHARE);
  const isGood: Parameters<typeof argoAnalyst>[0]['isGood'] = [
    ({ requests, errors }) => errors <= errorRate * requests,
    ({ latencies }) => longestOfStep((stepOfSlowest(latencies, SLOW_SHARE) ?? 0) - 1) <= p95,
  ];
  return [
    ourAnalyst(analysis, steps, seededRandom(-seed)),
    ...ARGO_LIMITS.map((failureLimit) => argoAnalyst({ intervalSeconds: ARGO_INTERVAL, failureLimit, isGood })),
  ];
}

/** For each contender, when it wanted each of the rollouts back. */
function endsOf(
  rollouts: number,
  rollout: SimulatedRollout,
  allowed: Allowed,
): readonly (readonly (number | undefined)[])[] {
  const ends = NAMES.map((): (number | undefined)[] => []);
  for (let seed = 1; seed <= rollouts; seed += 1) {
    const analysts = contenders(allowed, rollout.weights.length, seed);
    simulateRollout(rollout, analysts, seededRandom(seed)).forEach((end, index) => ends[index]?.push(end));
  }
  return ends;
}

/** So many that a share of one in a thousand can be told. */
const MANY = 10_000;
const SOME = 1000;
const EQUALS: SimulatedRollout = {
  requestsPerSecond: 20,
  weights: [5, 25, 50],
  secondsOfStep: 300,
  candidate: STABLE,
  stable: STABLE,
};

function printFalseAborts(): void {
  const inClumps = { ...STABLE, clump: 10 };
  const rows = [
    ['just what is allowed', MANY, EQUALS, { errorRate: 0.01, slowness: 1, factor: 1 }],
    ['half of the errors that are allowed', SOME, EQUALS, { errorRate: 0.02, slowness: 1.2, factor: 2 }],
    [
      'the same, errors come ten at a time',
      SOME,
      { ...EQUALS, candidate: inClumps, stable: inClumps },
      { errorRate: 0.02, slowness: 1.2, factor: 2 },
    ],
    [
      'just what is allowed, errors come ten at a time',
      SOME,
      { ...EQUALS, candidate: inClumps, stable: inClumps },
      { errorRate: 0.01, slowness: 1, factor: 1 },
    ],
  ] as const;
  console.log(
    `Rollouts of a candidate that is what stable is: 1 % errors, p95 ${Math.round(latencyOf(SLOW_SHARE) * 1000)} ms, ` +
      '20 requests a second, steps of 5 %, 25 % and 50 % for five minutes each. Aborted:\n',
  );
  console.log(`| the candidate has | rollouts | ${NAMES.join(' | ')} |`);
  console.log(`|---|---|${NAMES.map(() => '---|').join('')}`);
  for (const [name, rollouts, rollout, allowed] of rows) {
    const shares = endsOf(rollouts, rollout, allowed).map((ends) => percent(foundIn(ends)));
    console.log(`| ${name} | ${rollouts} | ${shares.join(' | ')} |`);
  }
}

const DETECTION_ROLLOUTS = 100;
const RATES = [1, 10, 100];

function printDelays(): void {
  const allowed = { errorRate: 0.012, slowness: 1.1, factor: 1.2 };
  const candidates = [
    ['nothing', STABLE],
    ['2 % errors for 1 %', simulatedRevision(0.02)],
    ['p95 20 % longer', simulatedRevision(0.01, 1.2)],
    ['10 % errors', simulatedRevision(0.1)],
  ] as const;
  console.log(
    '\nAllowed are 1.2 % errors, 1.2 times those of stable, and 1.1 times its p95. One step of 25 % for an hour. ' +
      `Of ${DETECTION_ROLLOUTS} rollouts, how many are aborted within the hour, and after how long half of those are:\n`,
  );
  console.log(`| requests a second | what is wrong | ${NAMES.join(' | ')} |`);
  console.log(`|---|---|${NAMES.map(() => '---|').join('')}`);
  for (const requestsPerSecond of RATES)
    for (const [name, candidate] of candidates) {
      const rollout = { requestsPerSecond, weights: [25], secondsOfStep: HOUR, candidate, stable: STABLE };
      const cells = endsOf(DETECTION_ROLLOUTS, rollout, allowed).map(delayText);
      console.log(`| ${requestsPerSecond} | ${name} | ${cells.join(' | ')} |`);
    }
}

function foundIn(ends: readonly (number | undefined)[]): number {
  return ends.filter((end) => end !== undefined).length / ends.length;
}

function delayText(ends: readonly (number | undefined)[]): string {
  const found = ends.filter((end) => end !== undefined).sort((a, b) => a - b);
  const middle = found[Math.floor(found.length / 2)];
  if (middle === undefined) return 'none';
  return `${percent(foundIn(ends))}, ${middle < 120 ? `${middle} s` : `${Math.round(middle / 60)} min`}`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}

export function benchAnalysis(): Promise<void> {
  printFalseAborts();
  printDelays();
  return Promise.resolve();
}
