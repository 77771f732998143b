/** The operator under faults: the end state is the same whatever happens to its requests. The short set; SLIPWAY_FAULTS_SEED moves it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allPlans, bySharing, inParallel, run, runReference } from './driver/campaign.ts';
import type { Plans, Reference } from './driver/campaign.ts';
import { choosePlans } from './driver/choose-plans.ts';
import { samplePlans } from './driver/derive-plans.ts';
import { startOperatorBench } from './driver/operator-bench.ts';
import type { OperatorBench } from './driver/operator-bench.ts';
import type { RunResult } from './driver/run-plan.ts';
import { failureOf } from './driver/run-report.ts';
import type { Workload } from './driver/workload.ts';
import { loadWorkloads } from './driver/workloads.ts';
import { MUTANTS } from './mutants/mutants.ts';
import type { Mutant } from './mutants/mutants.ts';
import { NO_FAULTS } from './proxy/plan.ts';
import type { Plan } from './proxy/plan.ts';

const seed = Number(process.env['SLIPWAY_FAULTS_SEED'] ?? 0);
/** Runs at a time, on a machine with two cores: a run mostly waits. */
const WIDTH = 4;

const workloads = await loadWorkloads();
const references = new Map<Workload, Reference>();
let bench: OperatorBench;

beforeAll(async () => {
  bench = await startOperatorBench(workloads);
  const [shared, alone] = bySharing(workloads.map((workload) => ({ workload })));
  await inParallel(shared, WIDTH, ({ workload }) => referenceOf(workload));
  await inParallel(alone, 1, ({ workload }) => referenceOf(workload));
});
afterAll(() => bench?.stop());

describe.each(workloads)('$name', (workload) => {
  let reference: Reference;
  it('ends well without a fault, and rests', async () => {
    reference = await referenceOf(workload);

    const { problems } = reference.run;
    expect(problems, JSON.stringify(problems)).toEqual([]);
  });

  it('ends the same under faults', { timeout: 3_600_000 }, async () => {
    const plans = choosePlans(workload, reference.plans, { all: false, seed });
    console.log(`${workload.name}: ${plans.length} of ${allPlans(reference.plans).length} plans, seed ${seed}`);

    const results = await inParallel(plans, workload.alone === true ? 1 : WIDTH, (plan) =>
      run(bench.campaignOf(workload), plan, { reference: reference.run }),
    );

    describeRuns(results);
    // The message is what the end of `npm test` repeats: it must hold the plan.
    const failures = results.flatMap(failureOf);
    expect(failures, failures.join('\n')).toEqual([]);
  });
});

/** In the short set the two that show soonest: the harness itself is proven by `fixture.test.ts` each time. */
const SHORT = ['statusEachLoop', 'noRetry'];
const everyMutant = process.env['SLIPWAY_FAULTS'] === 'full';
const seeded = Object.entries(MUTANTS).filter(([name]) => everyMutant || SHORT.includes(name));

describe.each(seeded)('the operator with the defect %s', (name, mutant) => {
  it(`is found out: ${mutant.what}`, { timeout: 1_200_000 }, async () => {
    const workload = workloadOf(mutant);
    const { plans, run: reference } = await referenceOf(workload);
    expect(reference.problems).toEqual([]);
    const candidates = mutant.shownBy.length === 0 ? [NO_FAULTS] : samplePlans(telling(mutant, plans), 5, seed);

    for (const plan of candidates) {
      const { problems } = await run(bench.campaignOf(workload, name), plan, { reference, checksRest: () => true });
      if (problems.length > 0) return console.log(`${name}: ${plan.name}: ${problems[0]?.what}`);
    }
    expect.unreachable(`${name} passed ${candidates.map((plan) => plan.name).join(', ')}`);
  });
});

/** Once for each workload: the plans and the mutants need it too. */
async function referenceOf(workload: Workload): Promise<Reference> {
  const reference = references.get(workload) ?? (await runReference(bench.campaignOf(workload)));
  references.set(workload, reference);
  return reference;
}

function workloadOf({ workload }: Mutant): Workload {
  const found = workloads.find(({ name }) => name === workload);
  if (found === undefined) throw new Error(`there is no workload ${workload}`);
  return found;
}

/** The plans that must show a defect. None is a failure of its own: what told of it is gone. */
function telling(mutant: Mutant, plans: Plans): readonly Plan[] {
  const text = process.env['SLIPWAY_FAULTS_PLAN'] ?? mutant.telling ?? '';
  return allPlans(plans)
    .filter(({ faults }) => faults.some(({ action }) => mutant.shownBy.includes(action.kind)))
    .filter(({ name }) => name.includes(text));
}

function describeRuns(results: readonly RunResult[]): void {
  const missed = results.filter(({ struck }) => !struck).map(({ plan }) => plan.name);
  const seconds = results.map((result) => result.seconds);
  const mean = seconds.reduce((sum, each) => sum + each, 0) / Math.max(1, seconds.length);
  console.log(
    `${results.length} runs, ${mean.toFixed(1)} s each; ${missed.length} never struck: ${missed.join('; ') || 'none'}`,
  );
}
