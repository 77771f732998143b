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
import { allPlans, inParallel, run, runReference } from './driver/campaign.ts';
import type { Campaign, Plans, Reference } from './driver/campaign.ts';
import { samplePlans } from './driver/derive-plans.ts';
import { chartRules, operatorSubject } from './driver/operator-subject.ts';
import type { RunResult } from './driver/run-plan.ts';
import type { Workload } from './driver/workload.ts';
import { MUTANTS } from './mutants/mutants.ts';
import type { Mutant } from './mutants/mutants.ts';
import { NO_FAULTS } from './proxy/plan.ts';
import type { Action, Plan } from './proxy/plan.ts';
import { mend } from './workloads/mend.ts';
import { podScript } from './workloads/pod-script.ts';
import { REGRESSIONS } from './workloads/regressions.ts';
import { recreate } from './workloads/recreate.ts';
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

/** How many plans that disturb one write the short set takes of each. */
const WORKLOADS: readonly (readonly [Workload, number])[] = [
  [serve, 5],
  [mend, 2],
  [trainAndPublish, 5],
  [recreate, 1],
];

/** And how many of the others. */
const OTHERS = { outages: 1, lags: 1, views: 2 } as const;

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
  it('ends well without a fault, and rests', async () => {
    reference = await referenceOf(workload);

    expect(reference.run.problems).toEqual([]);
  });

  it('ends the same under faults', { timeout: 3_600_000 }, async () => {
    const plans = chosen(workload, reference.plans, count);
    console.log(`${workload.name}: ${plans.length} of ${allPlans(reference.plans).length} plans, seed ${seed}`);

    const results = await inParallel(plans, WIDTH, (plan) =>
      run(campaignOf(workload), plan, { reference: reference.run }),
    );

    report(results);
    expect(results.flatMap(failure)).toEqual([]);
  });
});

/** In the short set the two that show soonest: the harness itself is proven by `fixture.test.ts` each time. */
const SHORT = ['statusEachLoop', 'noRetry'];
const seeded = Object.entries(MUTANTS).filter(([name]) => full || SHORT.includes(name));

describe.each(seeded)('the operator with the defect %s', (name, mutant) => {
  it(`is found out: ${mutant.what}`, { timeout: 1_200_000 }, async () => {
    const workload = workloadOf(mutant);
    const { plans, run: reference } = await referenceOf(workload);
    expect(reference.problems).toEqual([]);
    const candidates = mutant.shownBy.length === 0 ? [NO_FAULTS] : samplePlans(telling(mutant, plans), 5, seed);

    const campaign = {
      ...campaignOf(workload),
      subject: operatorSubject(name),
      timing: { ...timing, settleMs: 20_000 },
    };
    for (const plan of candidates) {
      const { problems } = await run(campaign, plan, { reference, checksRest: () => true });
      if (problems.length > 0) return console.log(`${name}: ${plan.name}: ${problems[0]}`);
    }
    expect.unreachable(`${name} passed ${candidates.map((plan) => plan.name).join(', ')}`);
  });
});

function campaignOf(workload: Workload): Campaign {
  return { bench, workload, subject: operatorSubject(), timing };
}

/** Once for each workload: the plans and the mutants need it too. */
async function referenceOf(workload: Workload): Promise<Reference> {
  const reference = references.get(workload) ?? (await runReference(campaignOf(workload), actions));
  references.set(workload, reference);
  return reference;
}

function workloadOf({ workload }: Mutant): Workload {
  const found = WORKLOADS.map(([each]) => each).find(({ name }) => name === workload);
  if (found === undefined) throw new Error(`there is no workload ${workload}`);
  return found;
}

/** The plans that must show a defect. None is a failure of its own: what told of it is gone. */
function telling(mutant: Mutant, plans: Plans): readonly Plan[] {
  const text = only ?? mutant.telling ?? '';
  return allPlans(plans)
    .filter(({ faults }) => faults.some(({ action }) => mutant.shownBy.includes(action.kind)))
    .filter(({ name }) => name.includes(text));
}

function chosen({ name: workload }: Workload, plans: Plans, count: number): readonly Plan[] {
  const all = allPlans(plans);
  if (only !== undefined) return all.filter(({ name }) => name.includes(only));
  if (full) return all;
  const sampled = [
    ...samplePlans(plans.writes, count, seed),
    ...samplePlans(plans.outages, OTHERS.outages, seed),
    ...samplePlans(plans.lags, OTHERS.lags, seed),
    ...samplePlans(plans.views, OTHERS.views, seed),
  ];
  return [...new Set([...regressionsOf(workload, all), ...sampled])];
}

/** A regression without a plan is a failure of its own: what it was about is no longer tried. */
function regressionsOf(workload: string, plans: readonly Plan[]): readonly Plan[] {
  return (REGRESSIONS[workload] ?? []).map((text) => {
    const plan = plans.find(({ name }) => name.startsWith(text));
    if (plan === undefined) throw new Error(`no plan of ${workload} begins with "${text}": see regressions.ts`);
    return plan;
  });
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
