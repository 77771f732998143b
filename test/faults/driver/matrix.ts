/** Every chosen plan of every workload, with what came of it. */
import type { Plan } from '../proxy/plan.ts';
import { inParallel, run, runReference } from './campaign.ts';
import type { Campaign, Plans, Reference } from './campaign.ts';
import { confirm } from './confirm.ts';
import type { RunResult } from './run-plan.ts';
import type { Workload } from './workload.ts';

export interface MatrixOptions {
  readonly workloads: readonly Workload[];
  readonly campaignOf: (workload: Workload) => Campaign;
  /** Of the plans that a run without a fault gave. */
  readonly choose: (workload: Workload, plans: Plans) => readonly Plan[];
  /** Runs at a time. */
  readonly width: number;
  /** No run begins after this; those that go on are waited for. */
  readonly signal: AbortSignal;
  readonly on: {
    /** All references are there, in the order of the workloads, and so is the number of plans. */
    chosen(chosen: readonly ChosenPlans[]): void;
    ended(outcome: Outcome): void;
  };
}

export interface ChosenPlans {
  readonly workload: Workload;
  readonly reference: Reference;
  /** None where the run without a fault failed: there is nothing to compare with. */
  readonly plans: readonly Plan[];
}

/** What came of one plan. */
export interface Outcome {
  readonly first: RunResult;
  /** Only of a plan that failed. */
  readonly failure?: { readonly smallest: RunResult; readonly failed: number; readonly of: number };
  /** All, with those that confirmed a failure. */
  readonly runs: number;
}

export async function runMatrix(options: MatrixOptions): Promise<void> {
  const { workloads, signal, on } = options;
  const references = new Map<Workload, Reference>();
  for (const [group, width] of groupsOf(workloads, options.width)) {
    await inParallel(group, width, async (workload) => {
      if (!signal.aborted) references.set(workload, await runReference(options.campaignOf(workload)));
    });
  }
  if (signal.aborted) return;
  const started = new Set<string>();
  const chosen = workloads.flatMap((workload) => {
    const reference = references.get(workload);
    if (reference === undefined) return [];
    if (reference.run.problems.length > 0) return [{ workload, reference, plans: [] }];
    const starts = reference.plans.starts.filter(({ name }) => !started.has(name));
    for (const { name } of starts) started.add(name);
    return [{ workload, reference, plans: options.choose(workload, { ...reference.plans, starts }) }];
  });
  on.chosen(chosen);
  for (const [group, width] of groupsOf(workloads, options.width)) {
    const wanted = chosen
      .filter(({ workload }) => group.includes(workload))
      .flatMap(({ workload, reference, plans }) => plans.map((plan) => ({ workload, reference, plan })));
    await inParallel(wanted, width, async (one) => {
      if (!signal.aborted) on.ended(await tryPlan(options, one));
    });
  }
}

/** Those that go side by side, then, one run after another, those that change what all share. */
export function groupsOf(
  workloads: readonly Workload[],
  wanted: number,
): readonly (readonly [group: readonly Workload[], width: number])[] {
  return [false, true].map((alone) => [
    workloads.filter((workload) => (workload.alone ?? false) === alone),
    alone ? 1 : wanted,
  ]);
}

interface Wanted {
  readonly workload: Workload;
  readonly reference: Reference;
  readonly plan: Plan;
}

async function tryPlan({ campaignOf, signal }: MatrixOptions, { workload, reference, plan }: Wanted): Promise<Outcome> {
  const tryOnce = (each: Plan) => run(campaignOf(workload), each, { reference: reference.run });
  const first = await tryOnce(plan);
  if (first.problems.length === 0 || signal.aborted) return { first, runs: 1 };
  const { runs, ...failure } = await confirm(first, tryOnce);
  return { first, failure, runs: 1 + runs };
}
