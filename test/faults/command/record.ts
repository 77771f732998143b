/** What came of each plan, as a line of JSON in a file: nothing is lost when the runs are interrupted, and they can go on. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '../oracles/problem.ts';
import type { Plan } from '../proxy/plan.ts';

/** The first line. */
export interface Heading {
  readonly commit: string;
  readonly machine: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** What of the matrix was asked for, in words; runs that go on must ask for the same. */
  readonly selection: string;
}

/** One line each. */
export interface PlanRecord {
  readonly workload: string;
  readonly plan: string;
  /** All, with those that confirmed a failure. */
  readonly runs: number;
  /** Of the first run. */
  readonly seconds: number;
  readonly struck: boolean;
  readonly failure?: FailureRecord;
}

export interface FailureRecord {
  readonly smallest: Plan;
  readonly problems: readonly Problem[];
  readonly failed: number;
  readonly of: number;
  /** Of one run that failed. */
  readonly reportPath: string;
  /** What replays it. */
  readonly command: string;
}

export interface Recording {
  readonly folder: string;
  readonly heading: Heading;
  readonly records: readonly PlanRecord[];
}

const FILE = 'results.jsonl';

export function startRecording(folder: string, heading: Heading): Recording {
  mkdirSync(folder, { recursive: true });
  appendFileSync(join(folder, FILE), `${JSON.stringify(heading)}\n`);
  return { folder, heading, records: [] };
}

export function append({ folder }: Recording, record: PlanRecord): void {
  appendFileSync(join(folder, FILE), `${JSON.stringify(record)}\n`);
}

export function readRecording(folder: string): Recording | undefined {
  const path = join(folder, FILE);
  if (!existsSync(path)) return undefined;
  // What was being written when the power went has no end.
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  const [heading, ...records] = lines.map((line) => JSON.parse(line) as unknown);
  if (heading === undefined) return undefined;
  return { folder, heading: heading as Heading, records: records as readonly PlanRecord[] };
}

/** The newest of the same commit and selection. */
export function lastRecording(
  reports: string,
  { commit, selection }: Pick<Heading, 'commit' | 'selection'>,
): Recording | undefined {
  if (!existsSync(reports)) return undefined;
  return readdirSync(reports)
    .map((name) => readRecording(join(reports, name)))
    .filter((found) => found?.heading.commit === commit && found.heading.selection === selection)
    .toSorted((a, b) => (a?.heading.startedAt ?? '').localeCompare(b?.heading.startedAt ?? ''))
    .at(-1);
}
