/**
 * The operator under faults: the end state is the same whatever happens to its writes. The short set takes plans at equal
 * distances (SLIPWAY_FAULTS_SEED moves them); SLIPWAY_FAULTS=full takes all. SLIPWAY_FAULTS_PLAN=TEXT runs the plans with that text in their name.
 */
import { createKubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silent } from '../apiserver/operator/harness.ts';
import { startKubelet } from '../apiserver/operator/kubelet.ts';
import type { Kubelet } from '../apiserver/operator/kubelet.ts';
import { startBench } from './driver/bench.ts';
import type { Bench } from './driver/bench.ts';
import { inParallel, run, runReference } from './driver/campaign.ts';
import type { Campaign, Reference } from './driver/campaign.ts';
import { samplePlans } from './driver/derive-plans.ts';
import { chartRules, operatorSubject } from './driver/operator-subject.ts';
import type { RunResult } from './driver/run-plan.ts';
import type { Workload } from './driver/workload.ts';
import { MUTANTS } from './mutants/mutants.ts';
import { NO_FAULTS } from './proxy/plan.ts';
import type { Action, Plan } from './proxy/plan.ts';
import { mend } from './workloads/mend.ts';
import { podScript } from './workloads/pod-script.ts';
import { serve } from './workloads/serve.ts';
import { trainAndPublish } from './workloads/train.ts';

const full = process.env['SLIPWAY_FAULTS'] === 'full';
const seed = Number(process.env['SLIPWAY_FAULTS_SEED'] ?? 0);
const only = process.env['SLIPWAY_FAULTS_PLAN'];
/** Runs at a time, on a machine with two cores. */
const WIDTH = 2;
const actions: readonly Action[] = [
  { kind: 'killBefore' },
  { kind: 'killAfter' },
  { kind: 'dropAck' },
  { kind: 'lateWrite' },
  { kind: 'status', code: 500 },
];
const timing = { quietMs: 1_000, settleMs: 60_000, restMs: 2_000 };

/** How many plans the short set takes of each. */
const WORKLOADS: readonly (readonly [Workload, number])[] = [
  [serve, 8],
  [mend, 4],
  [trainAndPublish, 8],
];

/** And how many of those in which one kind's watches lag. */
const LAGS = 2;

let bench: Bench;
let kubelet: Kubelet;
const references = new Map<Workload, Reference>();
let stopClient: () => Promise<void>;

beforeAll(async () => {
  bench = await startBench(chartRules);
  const kubeConfig = loadKubeConfig(bench.plane.kubeconfigPath);
  const options = { kubeConfig, userAgent: 'kubelet', registry: new Registry(), clock: realClock, log: silent };
  const client = createKubeClient(options);
  stopClient = () => client.close();
  kubelet = await startKubelet({ client, log: silent, kubectl: bench.plane.kubectl }, podScript);
});
afterAll(async () => {
  await kubelet?.stop();
  await stopClient?.();
  await bench?.stop();
});

describe.each(WORKLOADS)('$name', (workload, count) => {
  let reference: Reference;
  const campaign = (): Campaign => ({ bench, workload, subject: operatorSubject(), timing });

  it('ends well without a fault, and rests', async () => {
    reference = await runReference(campaign(), actions);

    references.set(workload, reference);
    expect(reference.run.problems).toEqual([]);
  });

  it('ends the same under faults', { timeout: 3_600_000 }, async () => {
    const plans = chosen(reference.plans, count);
    console.log(`${workload.name}: ${plans.length} of ${reference.plans.length} plans, seed ${seed}`);

    const results = await inParallel(plans, WIDTH, (plan) => run(campaign(), plan, { reference: reference.run }));

    report(results);
    expect(results.flatMap(failure)).toEqual([]);
  });
});

/** In the short set two: the harness itself is proven by `fixture.test.ts` each time. */
const seeded = Object.entries(MUTANTS).filter(([name]) => full || ['noOwnerReference', 'noRetry'].includes(name));

describe.each(seeded)('the operator with the defect %s', (name, { what, workload: told, shownBy }) => {
  it(`is found out: ${what}`, { timeout: 1_200_000 }, async () => {
    const workload = told === 'serve' ? serve : mend;
    const good: Campaign = { bench, workload, subject: operatorSubject(), timing };
    const { plans, run: reference } = references.get(workload) ?? (await runReference(good, actions));
    const telling = plans.filter(({ faults }) => faults.some(({ action }) => shownBy.includes(action.kind)));
    const candidates = shownBy.length === 0 ? [NO_FAULTS] : samplePlans(telling, 5, seed);

    const campaign = { ...good, subject: operatorSubject(name), timing: { ...timing, settleMs: 20_000 } };
    for (const plan of candidates) {
      const { problems } = await run(campaign, plan, { reference, checksRest: () => true });
      if (problems.length > 0) return;
    }
    expect.unreachable(`${name} passed ${candidates.map((plan) => plan.name).join(', ')}`);
  });
});

function chosen(plans: readonly Plan[], count: number): readonly Plan[] {
  if (only !== undefined) return plans.filter(({ name }) => name.includes(only));
  if (full) return plans;
  const isLag = ({ name }: Plan) => name.startsWith('lag');
  const strikes = plans.filter((plan) => !isLag(plan));
  return [...samplePlans(strikes, count, seed), ...samplePlans(plans.filter(isLag), LAGS, seed)];
}

function failure({ plan, problems }: RunResult): string[] {
  return problems.length === 0 ? [] : [`${plan.name}:\n  ${problems.join('\n  ')}`];
}

function report(results: readonly RunResult[]): void {
  const missed = results.filter(({ struck }) => !struck).map(({ plan }) => plan.name);
  const seconds = results.map((result) => result.seconds);
  const mean = seconds.reduce((sum, each) => sum + each, 0) / Math.max(1, seconds.length);
  console.log(
    `${results.length} runs, ${mean.toFixed(1)} s each; ${missed.length} never struck: ${missed.join('; ') || 'none'}`,
  );
}
