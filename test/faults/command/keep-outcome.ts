/** An outcome as it is kept, with the files that a person needs who looks into a failure. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from '../driver/matrix.ts';
import { fileNameOf, writeRunReport } from '../driver/run-report.ts';
import type { Plan } from '../proxy/plan.ts';
import type { FailureRecord, PlanRecord } from './record.ts';

export function toRecord({ first, failure, runs }: Outcome, folder: string): PlanRecord {
  const { workload, plan, struck } = first;
  const record = { workload, plan: plan.name, runs, seconds: Math.round(first.seconds * 10) / 10, struck };
  return failure === undefined ? record : { ...record, failure: failureRecord(first.plan, failure, folder) };
}

function failureRecord(
  tried: Plan,
  { smallest, failed, of }: NonNullable<Outcome['failure']>,
  folder: string,
): FailureRecord {
  const { plan, workload, problems } = smallest;
  const reportPath = writeRunReport(smallest, folder);
  // A plan that came of a run without a fault is found by its name; one that was made smaller is not among those.
  const isFound = plan.name === tried.name;
  const planPath = join(folder, `${fileNameOf(workload, plan.name)}.json`);
  if (!isFound) writeFileSync(planPath, JSON.stringify(plan, undefined, 2));
  const command = `npm run test:faults -- --workload ${workload} --plan '${isFound ? plan.name : planPath}'`;
  return { smallest: plan, problems, failed, of, reportPath, command };
}
