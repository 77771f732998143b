/** A run that failed is not believed at once: the plan is made smaller, and run again, to say how often it fails. */
import type { Problem } from '../oracles/problem.ts';
import type { Plan } from '../proxy/plan.ts';
import { describeFault } from '../proxy/plan.ts';

/** Of one run, what matters here. */
interface Tried {
  readonly plan: Plan;
  readonly problems: readonly Problem[];
}

export interface Confirmed<Run extends Tried> {
  /** Of the smallest plan that failed, with as few faults as can be. */
  readonly smallest: Run;
  /** How many runs of the smallest plan failed, of so many. */
  readonly failed: number;
  readonly of: number;
  /** Runs that this took, beyond the first. */
  readonly runs: number;
}

const TRIES = 3;

export async function confirm<Run extends Tried>(
  first: Run,
  again: (plan: Plan) => Promise<Run>,
): Promise<Confirmed<Run>> {
  let runs = 0;
  let smallest = first;
  for (let smaller = dropEach(smallest.plan); smaller.length > 0;) {
    const [plan, ...others] = smaller;
    if (plan === undefined) break;
    runs++;
    const result = await again(plan);
    if (isFailure(result)) smallest = result;
    smaller = isFailure(result) ? dropEach(plan) : others;
  }
  let failed = 1;
  for (let tries = 1; tries < TRIES; tries++) {
    runs++;
    if (isFailure(await again(smallest.plan))) failed++;
  }
  return { smallest, failed, of: TRIES, runs };
}

function isFailure({ problems }: Tried): boolean {
  return problems.length > 0;
}

/** The plans with one fault less each; none of a plan of one. */
function dropEach({ faults }: Plan): Plan[] {
  if (faults.length < 2) return [];
  return faults.map((dropped) => {
    const kept = faults.filter((fault) => fault !== dropped);
    return { name: kept.map(describeFault).join(', '), faults: kept };
  });
}
