import { expect, it } from 'vitest';
import type { Fault, Plan } from '../proxy/plan.ts';
import { confirm } from './confirm.ts';

const fault = (resource: string): Fault => ({ match: { resource }, action: { kind: 'reset' } });
const [a, b, c] = [fault('a'), fault('b'), fault('c')];
const planOf = (...faults: readonly Fault[]): Plan => ({ name: 'some', faults });
const problems = [{ oracle: 'rest', what: 'it was written' }];

/** `fails` says whether a run of this plan fails; `tried` has what was run, in order. */
function runner(fails: (plan: Plan, run: number) => boolean) {
  const tried: string[] = [];
  const run = async (plan: Plan) => {
    tried.push(plan.faults.map(({ match }) => match.resource).join('+'));
    return { plan, problems: fails(plan, tried.length) ? problems : [] };
  };
  return { tried, run };
}

it('a plan of one fault is run twice more', async () => {
  const { tried, run } = runner((_, turn) => turn === 2);
  const { failed, of, runs } = await confirm({ plan: planOf(a), problems }, run);

  expect([failed, of, runs]).toEqual([2, 3, 2]);
  expect(tried).toEqual(['a', 'a']);
});

it('faults that are not needed are dropped', async () => {
  const { tried, run } = runner(({ faults }) => faults.includes(b));
  const { smallest, failed } = await confirm({ plan: planOf(a, b, c), problems }, run);

  expect(smallest.plan).toEqual({ name: 'reset any b every', faults: [b] });
  expect(failed).toBe(3);
  expect(tried).toEqual(['b+c', 'c', 'b', 'b', 'b']);
});

it('faults that need each other stay together', async () => {
  const { smallest } = await confirm({ plan: planOf(a, b), problems }, runner(({ faults }) => faults.length === 2).run);

  expect(smallest.plan.faults).toEqual([a, b]);
});
