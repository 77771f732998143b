import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import type { Totals } from './totals.ts';

/** What vitest's JSON reporter writes, as far as we read it. */
export interface VitestReport {
  readonly testResults: readonly VitestFile[];
}

export interface VitestFile {
  /** Its absolute path. */
  readonly name: string;
  readonly status: string;
  readonly assertionResults: readonly {
    readonly status: string;
    readonly fullName: string;
    readonly failureMessages?: readonly string[] | null;
  }[];
}

/** The files that could not be loaded, or of which a test failed. */
export function failedFiles({ testResults }: VitestReport): string[] {
  return testResults.filter((file) => failuresOf(file).length > 0).map(({ name }) => name);
}

/** The first report, with the files that the second tells of as that tells of them. */
export function afterSecondTry(first: VitestReport, second: VitestReport): VitestReport {
  const again = new Set(second.testResults.map(({ name }) => name));
  return { testResults: [...first.testResults.filter(({ name }) => !again.has(name)), ...second.testResults] };
}

/** What failed, by path and name, with the beginning of why. A file that could not even be loaded has no tests to fail, so it counts as one. */
export function failuresIn({ testResults }: VitestReport): string[] {
  return testResults.flatMap(failuresOf);
}

/**
 * A run that ends badly, with no failed test to show for it, counts as one failure.
 *
 * @param unhandled errors that belong to no test.
 */
export function vitestTotals(report: VitestReport, exitCode: number, unhandled: readonly string[] = []): Totals {
  const failures = failuresIn(report);
  failures.push(...unhandled.map((error) => `an error that belongs to no test${indented(linesOf(error))}`));
  if (failures.length === 0 && exitCode !== 0) failures.push(`vitest ended with code ${exitCode}`);
  const statuses = report.testResults.flatMap(({ assertionResults }) => assertionResults.map(({ status }) => status));
  const passed = statuses.filter((status) => status === 'passed').length;
  const failed = statuses.filter((status) => status === 'failed').length;
  return { passed, failed: failures.length, skipped: statuses.length - passed - failed, failures, flaky: [] };
}

function failuresOf(file: VitestFile): string[] {
  const path = relative(process.cwd(), file.name);
  const failed = file.assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0) return file.status === 'failed' ? [path] : [];
  return failed.map((test) => `${path}: ${test.fullName}${excerpt(test.failureMessages?.[0] ?? '')}`);
}

const EXCERPT_LINES = 12;

function excerpt(message: string): string {
  return indented(linesOf(message).filter((line) => !/^\s+at /.test(line)));
}

function linesOf(message: string): string[] {
  return stripVTControlCharacters(message)
    .split('\n')
    .filter((line) => line.trim() !== '');
}

function indented(lines: readonly string[]): string {
  return lines
    .slice(0, EXCERPT_LINES)
    .map((line) => `\n        ${line}`)
    .join('');
}
