/** The tester is tested: a right controller passes under every fault, and each mistake of a wrong one is found. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBench } from './driver/bench.ts';
import type { Bench } from './driver/bench.ts';
import { allPlans, inParallel, run, runReference } from './driver/campaign.ts';
import type { Campaign, Reference } from './driver/campaign.ts';
import { samplePlans } from './driver/derive-plans.ts';
import { failureOf } from './driver/run-report.ts';
import { MUTANTS } from './fixture/mutants.ts';
import type { Mutant } from './fixture/mutants.ts';
import { fixtureWorkload } from './fixture/workload.ts';
import type { Action } from './proxy/plan.ts';

const rules = [
  { apiGroups: ['slipway.dev'], resources: ['stores'], verbs: ['get', 'list', 'watch'] },
  { apiGroups: ['slipway.dev'], resources: ['stores/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['get', 'list', 'watch', 'create', 'patch', 'delete'] },
];
// The garbage collector learns of a new kind within 30 s, and only then collects what its objects owned.
const timing = { quietMs: 400, settleMs: 90_000, restMs: 500 };
const full = process.env['SLIPWAY_FAULTS'] === 'full';

let bench: Bench;
let reference: Reference;

function campaignOf(mutant: Mutant | ''): Campaign {
  const subject: Campaign['subject'] = ({ kubeconfigPath, namespace }) => ({
    args: [join(import.meta.dirname, 'fixture', 'controller.ts')],
    env: { KUBECONFIG: kubeconfigPath, FIXTURE_NAMESPACE: namespace, FIXTURE_MUTANT: mutant },
  });
  return { bench, workload: fixtureWorkload, subject, timing };
}

beforeAll(async () => {
  bench = await startBench(rules);
  reference = await runReference(campaignOf(''));
});
afterAll(() => bench?.stop());

describe('a right controller', () => {
  it('passes without a fault, also when it is restarted at rest', () => {
    expect(reference.run.problems).toEqual([]);
    expect(reference.plans.writes.length).toBeGreaterThan(20);
  });

  it('passes under faults', async () => {
    const all = allPlans(reference.plans);
    const plans = samplePlans(all, full ? all.length : 6, 0);
    const results = await inParallel(plans, 2, (plan) => run(campaignOf(''), plan, { reference: reference.run }));

    expect(results.flatMap(failureOf)).toEqual([]);
    expect(results.filter(({ struck }) => !struck).map(({ plan }) => plan.name)).toEqual([]);
  });
});

it.each(Object.entries(MUTANTS))('the mistake %s is found', async (mutant, faults) => {
  const campaign = campaignOf(mutant as Mutant);
  const plans = allPlans(reference.plans).filter((plan) =>
    plan.faults.some(({ action }) => (faults as readonly Action['kind'][]).includes(action.kind)),
  );
  const candidates = faults.length === 0 ? [{ name: 'no fault', faults: [] }] : plans;

  for (const plan of candidates) {
    const { problems } = await run({ ...campaign, timing: { ...timing, settleMs: 10_000 } }, plan, {
      reference: reference.run,
    });
    if (problems.length > 0) return;
  }
  expect.unreachable(`${mutant} passed all of ${candidates.length} plans`);
});
