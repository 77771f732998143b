/** Every chosen plan of every workload, with what came of it. */
import type { Plan } from '../proxy/plan.ts';
import { bySharing, inParallel, run, runReference } from './campaign.ts';
import type { Campaign, Plans, Reference } from './campaign.ts';
import { confirm } from './confirm.ts';
import type { RunResult } from './run-plan.ts';
import type { Workload } from './workload.ts';

export interface MatrixOptions {
  readonly workloads: readonly Workload[];
  /** On the control plane of this number, from 0. Those that change what all share are run on several, one at a time on each. */
  readonly campaignOf: (workload: Workload, plane: number) => Promise<Campaign>;
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

/** Each takes half a gigabyte of memory, and a tenth of a core with nothing to do. */
const MOST_PLANES = 4;

export async function runMatrix(options: MatrixOptions): Promise<void> {
  const { workloads, signal, on } = options;
  const references = new Map<Workload, Reference>();
  const withoutFault = workloads.map((workload) => ({ workload }));
  await onPlanes(withoutFault, options.width, async ({ workload }, plane) => {
    if (!signal.aborted) references.set(workload, await runReference(await options.campaignOf(workload, plane)));
  });
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
  const wanted = chosen.flatMap(({ workload, reference, plans }) =>
    plans.map((plan) => ({ workload, reference, plan })),
  );
  await onPlanes(wanted, options.width, async (one, plane) => {
    if (!signal.aborted) on.ended(await tryPlan(options, one, plane));
  });
}

async function onPlanes<T extends { readonly workload: Workload }>(
  items: readonly T[],
  width: number,
  work: (item: T, plane: number) => Promise<void>,
): Promise<void> {
  const [shared, alone] = bySharing(items);
  await inParallel(shared, width, (item) => work(item, 0));
  await inParallel(alone, Math.min(width, MOST_PLANES), work);
}

interface Wanted {
  readonly workload: Workload;
  readonly reference: Reference;
  readonly plan: Plan;
}

async function tryPlan(
  { campaignOf, signal }: MatrixOptions,
  { workload, reference, plan }: Wanted,
  plane: number,
): Promise<Outcome> {
  const campaign = await campaignOf(workload, plane);
  const tryOnce = (each: Plan) => run(campaign, each, { reference: reference.run });
  const first = await tryOnce(plan);
  if (first.problems.length === 0 || signal.aborted) return { first, runs: 1 };
  const { runs, ...failure } = await confirm(first, tryOnce);
  return { first, failure, runs: 1 + runs };
}
