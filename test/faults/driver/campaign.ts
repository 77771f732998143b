/** Many runs: first without a fault, for the reference, then one for each plan. */
import type { Action, Plan } from '../proxy/plan.ts';
import { NO_FAULTS } from '../proxy/plan.ts';
import type { Traffic } from './asking.ts';
import type { Bench } from './bench.ts';
import { deriveOutages, derivePlans } from './derive-plans.ts';
import { deriveLags, deriveStarts, deriveViews } from './derive-view-plans.ts';
import { runPlan } from './run-plan.ts';
import type { RunOptions, RunResult } from './run-plan.ts';
import type { Timing } from './settle.ts';
import type { Workload } from './workload.ts';

export interface Campaign {
  readonly bench: Bench;
  readonly workload: Workload;
  readonly subject: RunOptions['subject'];
  readonly timing: Timing;
  /** Where clients can ask, if they can. */
  readonly traffic?: Traffic;
}

/** What can happen to a write. */
const ON_WRITES: readonly Action[] = [
  { kind: 'killBefore' },
  { kind: 'killAfter' },
  { kind: 'dropAck' },
  { kind: 'lateWrite' },
  { kind: 'status', code: 500 },
];
/** What of that reaches beyond the step of the write: what the program remembers of it, and what lands later. */
const REACHES_ON: readonly Action[] = [{ kind: 'dropAck' }, { kind: 'lateWrite' }];
const LAG_MS = 700;

let runs = 0;

/** One run; `more` says what differs from an ordinary one. */
export function run(campaign: Campaign, plan: Plan, more: Partial<RunOptions> = {}): Promise<RunResult> {
  const { bench, workload, subject, timing, traffic } = campaign;
  const namespace = `run-${++runs}`;
  return runPlan(bench, { workload, subject, timing, traffic, checksRest: () => false, ...more, namespace, plan });
}

export interface Reference {
  readonly run: RunResult;
  readonly plans: Plans;
}

/** By what they disturb. */
export interface Plans {
  /** One write each. */
  readonly writes: readonly Plan[];
  /** One sort of writes each, several times in a row. */
  readonly outages: readonly Plan[];
  /** All watches of one kind, which tell everything late. */
  readonly lags: readonly Plan[];
  /** Watches of one kind that break or repeat themselves. */
  readonly views: readonly Plan[];
  /** The first list or watch of one kind. What follows is alike in all workloads: one of them is enough. */
  readonly starts: readonly Plan[];
}

export function allPlans({ writes, outages, lags, views, starts }: Plans): readonly Plan[] {
  return [...writes, ...outages, ...lags, ...views, ...starts];
}

/** Without a fault, with a restart at rest after every step. Its journal gives the plans. */
export async function runReference(campaign: Campaign): Promise<Reference> {
  const result = await run(campaign, NO_FAULTS, { checksRest: () => true });
  const { journal, sceneEntries } = result;
  const plans = {
    writes: derivePlans(journal, ({ seq }) => (seq < sceneEntries ? REACHES_ON : ON_WRITES)),
    outages: deriveOutages(journal, sceneEntries),
    lags: deriveLags(journal, LAG_MS),
    views: deriveViews(journal),
    starts: deriveStarts(journal),
  };
  return { run: result, plans };
}

/** First those that go side by side on one control plane, then those that need one for themselves. */
export function bySharing<T extends { readonly workload: Workload }>(
  items: readonly T[],
): readonly [shared: readonly T[], alone: readonly T[]] {
  const isAlone = ({ workload }: T) => workload.alone ?? false;
  return [items.filter((item) => !isAlone(item)), items.filter(isAlone)];
}

/** Runs `work` on all items, `width` at a time, each in one of so many lanes; the results in the order of the items. */
export async function inParallel<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T, lane: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const queue = [...items.entries()];
  const follow = async (lane: number) => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift())
      results[next[0]] = await work(next[1], lane);
  };
  await Promise.all(Array.from({ length: width }, (_, lane) => follow(lane)));
  return results;
}
