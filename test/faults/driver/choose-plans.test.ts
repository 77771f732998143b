import { describe, expect, it } from 'vitest';
import type { Plan } from '../proxy/plan.ts';
import { choosePlans, plansNamed } from './choose-plans.ts';

const planNamed = (name: string): Plan => ({ name, faults: [] });
const plans = {
  writes: ['killAfter a #1', 'killAfter a #10', 'killAfter b #1'].map(planNamed),
  outages: ['503 a', '503 b'].map(planNamed),
  lags: ['lag a'].map(planNamed),
  views: ['halfLine a', 'halfLine b', 'dupEvent a'].map(planNamed),
  starts: ['reset a'].map(planNamed),
};
const workload = { name: 'serve', steps: [], sampled: 1 };
const namesOf = (chosen: readonly Plan[]) => chosen.map(({ name }) => name);

describe('choosePlans', () => {
  it('takes some of each sort, and all that have shown a defect', () => {
    const chosen = choosePlans({ ...workload, regressions: ['killAfter b'] }, plans, { all: false, seed: 0 });

    expect(namesOf(chosen)).toEqual(['killAfter b #1', 'killAfter a #1', '503 a', 'lag a', 'halfLine a', 'reset a']);
  });

  it('takes every one', () => {
    expect(choosePlans(workload, plans, { all: true, seed: 0 })).toHaveLength(10);
  });

  it('fails where a regression has no plan any more', () => {
    expect(() => choosePlans({ ...workload, regressions: ['gone'] }, plans, { all: false, seed: 0 })).toThrow(
      'no plan of serve begins with "gone"',
    );
  });
});

it('a whole name means one plan, a part of one all that have it', () => {
  expect(namesOf(plansNamed(plans, 'killAfter a #1'))).toEqual(['killAfter a #1']);
  expect(namesOf(plansNamed(plans, 'killAfter a'))).toEqual(['killAfter a #1', 'killAfter a #10']);
});
