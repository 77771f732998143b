import { NO_FAULTS } from '../proxy/plan.ts';
import type { Plan } from '../proxy/plan.ts';
import { allPlans } from './campaign.ts';
import type { Plans } from './campaign.ts';
import { samplePlans } from './derive-plans.ts';
import type { Workload } from './workload.ts';

export interface Choice {
  /** Every plan, or the short set: some of each sort, and the regressions. */
  readonly all: boolean;
  /** Moves the short set on: over the seeds, every plan has its turn. */
  readonly seed: number;
}

/** How many the short set takes of the plans that do not disturb one write each. */
const OTHERS = { outages: 1, lags: 1, views: 1, starts: 1 } as const;

export function choosePlans(workload: Workload, plans: Plans, { all, seed }: Choice): readonly Plan[] {
  const every = allPlans(plans);
  if (all) return every;
  const sampled = [
    ...samplePlans(plans.writes, workload.sampled ?? 2, seed),
    ...samplePlans(plans.outages, OTHERS.outages, seed),
    ...samplePlans(plans.lags, OTHERS.lags, seed),
    ...samplePlans(plans.views, OTHERS.views, seed),
    ...samplePlans(plans.starts, OTHERS.starts, seed),
  ];
  return [...new Set([...regressionsOf(workload, every), ...sampled])];
}

/** The plan of exactly this name, so that a name out of a report finds one; else all that have the text in theirs. */
export function plansNamed(plans: Plans, text: string): readonly Plan[] {
  const every = [NO_FAULTS, ...allPlans(plans)];
  const exact = every.filter(({ name }) => name === text);
  return exact.length > 0 ? exact : every.filter(({ name }) => name.includes(text));
}

/** @throws where a regression has no plan: what it was about would no longer be tried. */
function regressionsOf({ name: workload, regressions = [] }: Workload, plans: readonly Plan[]): readonly Plan[] {
  return regressions.map((text) => {
    const plan = plans.find(({ name }) => name.startsWith(text));
    if (plan === undefined) throw new Error(`no plan of ${workload} begins with "${text}": see its \`regressions\``);
    return plan;
  });
}
