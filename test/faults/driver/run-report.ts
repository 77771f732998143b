import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEntry, isRequest } from '../proxy/journal.ts';
import type { RunResult } from './run-plan.ts';

/** Where reports go, unless a folder is given. */
export const REPORTS = join(tmpdir(), 'slipway-faults');

/** Everything that a person needs to understand a run that failed, in one file. Returns its path. */
export function writeRunReport(result: RunResult, folder = REPORTS): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${fileNameOf(result.workload, result.plan.name)}.txt`);
  const journal = result.journal.map((entry) =>
    isRequest(entry)
      ? `${entry.atMs} ${describeEntry(entry)}`
      : `${entry.atMs} event ${entry.event} ${entry.resource} ${entry.name} ${entry.resourceVersion}`,
  );
  const sections = [
    ['workload', result.workload],
    ['plan', JSON.stringify(result.plan, undefined, 2)],
    ['problems', result.problems.map(({ oracle, what }) => `${oracle}: ${what}`).join('\n')],
    ['journal', journal.join('\n')],
    ['log', result.log],
  ];
  writeFileSync(path, sections.map(([title, text]) => `== ${title}\n${text}\n`).join('\n'));
  return path;
}

/** Without the ending. */
export function fileNameOf(workload: string, plan: string): string {
  return `${workload} ${plan}`.replaceAll(/[^A-Za-z0-9]+/g, '-').replace(/-$/, '');
}

/** For a test: what failed in a run, and where its report is; empty where nothing did. */
export function failureOf(result: RunResult): string[] {
  if (result.problems.length === 0) return [];
  const lines = result.problems.map(({ what }) => what);
  return [`${result.plan.name}: report in ${writeRunReport(result)}\n  ${lines.join('\n  ')}`];
}
