/** The end of all runs, for people and for programs. Pure. */
import type { FailureRecord, Heading, PlanRecord } from './record.ts';

export interface Report extends Heading {
  readonly endedAt: string;
  /** False: interrupted; more plans were chosen than were tried. */
  readonly complete: boolean;
  readonly workloads: readonly WorkloadSummary[];
  readonly failures: readonly Failure[];
}

export interface WorkloadSummary {
  readonly workload: string;
  /** Chosen; not all of them were tried where the runs were interrupted. */
  readonly plans: number;
  readonly tried: number;
  readonly runs: number;
  readonly neverStruck: readonly string[];
  readonly failures: number;
  /** Those that said so, by how many of the plans. */
  readonly oracles: Readonly<Record<string, number>>;
  readonly meanSeconds: number;
}

export interface Failure extends FailureRecord {
  readonly workload: string;
  readonly plan: string;
}

export interface ReportEnd {
  /** How many were chosen, by workload; empty where the runs were interrupted before that was known. */
  readonly plans: ReadonlyMap<string, number>;
  readonly endedAt: string;
  readonly complete: boolean;
}

export function buildReport(
  heading: Heading,
  records: readonly PlanRecord[],
  { plans, endedAt, complete }: ReportEnd,
): Report {
  const names = new Set([...plans.keys(), ...records.map(({ workload }) => workload)]);
  const workloads = [...names].map((name) => {
    const tried = records.filter(({ workload }) => workload === name);
    return summaryOf(name, plans.get(name) ?? tried.length, tried);
  });
  const failures = records.flatMap(({ workload, plan, failure }) =>
    failure === undefined ? [] : [{ workload, plan, ...failure }],
  );
  return { ...heading, endedAt, complete, workloads, failures };
}

function summaryOf(workload: string, plans: number, records: readonly PlanRecord[]): WorkloadSummary {
  const failures = records.flatMap(({ failure }) => failure ?? []);
  const oracles: Record<string, number> = {};
  for (const { problems } of failures) {
    for (const oracle of new Set(problems.map((problem) => problem.oracle)))
      oracles[oracle] = (oracles[oracle] ?? 0) + 1;
  }
  const seconds = records.reduce((sum, record) => sum + record.seconds, 0);
  return {
    workload,
    plans,
    tried: records.length,
    runs: records.reduce((sum, { runs }) => sum + runs, 0),
    neverStruck: records.filter(({ struck }) => !struck).map(({ plan }) => plan),
    failures: failures.length,
    oracles,
    meanSeconds: Math.round((10 * seconds) / Math.max(1, records.length)) / 10,
  };
}

export function howOften({ failed, of }: Pick<FailureRecord, 'failed' | 'of'>): string {
  if (of === 1) return 'in its one run';
  return failed === of ? 'always' : `${failed} of ${of} times`;
}
