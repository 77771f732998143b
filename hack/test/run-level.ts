import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { ERRORS_FILE } from './unhandled-errors.ts';

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, by name and with the beginning of why: the output of a long run scrolls away. */
  readonly failures: readonly string[];
}

export const NOTHING: Totals = { passed: 0, failed: 0, skipped: 0, failures: [] };

export function add(a: Totals, b: Totals): Totals {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
  };
}

export function oneFailure(name: string): Totals {
  return { ...NOTHING, failed: 1, failures: [name] };
}

const CHECKS: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['generated files are up to date', ['node', 'hack/generate.ts', '--check']],
  ['types', ['tsc', '-p', 'tsconfig.json']],
  ['lint', ['oxlint', '--type-aware', '.']],
  ['format', ['oxfmt', '--check', '.']],
  ['unused code', ['knip']],
];

/** Runs one level and counts: a static check is one test, the demo is one test, the rest is what vitest reports. */
export async function runLevel(name: string): Promise<Totals> {
  if (name === 'check') return runChecks();
  if (name === 'demo') return oneTest('the demo', ['node', 'hack/demo/main.ts', '--ci']);
  return runVitest(name);
}

async function runChecks(): Promise<Totals> {
  let totals = NOTHING;
  for (const [name, command] of CHECKS) totals = add(totals, await oneTest(name, command));
  return totals;
}

async function oneTest(name: string, command: readonly string[]): Promise<Totals> {
  const code = await run(command);
  console.log(`  ${code === 0 ? 'ok' : 'FAILED'}  ${name}`);
  return code === 0 ? { ...NOTHING, passed: 1 } : oneFailure(name);
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly {
      readonly status: string;
      readonly fullName: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

async function runVitest(project: string): Promise<Totals> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-test-'));
  const [report, errors] = [join(folder, 'report.json'), join(folder, 'errors.json')];
  const reporters = ['default', 'json', './hack/test/unhandled-errors.ts'].map((name) => `--reporter=${name}`);
  try {
    const code = await run(['vitest', 'run', '--project', project, ...reporters, `--outputFile.json=${report}`], {
      [ERRORS_FILE]: errors,
    });
    const unhandled = existsSync(errors) ? (readJson(errors) as string[]) : [];
    return vitestTotals(readJson(report) as VitestReport, code, unhandled);
  } catch (cause) {
    console.error(`vitest left no report: ${String(cause)}`);
    return oneFailure('vitest left no report');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/**
 * A file that could not even be loaded has no tests to fail, so it counts as one; so does a run that ends badly for another reason.
 *
 * @param unhandled errors that belong to no test.
 */
export function vitestTotals(report: VitestReport, exitCode: number, unhandled: readonly string[] = []): Totals {
  const failures = report.testResults.flatMap((file) => {
    const path = relative(process.cwd(), file.name);
    const failed = file.assertionResults.filter((test) => test.status === 'failed');
    if (failed.length === 0) return file.status === 'failed' ? [path] : [];
    return failed.map((test) => `${path}: ${test.fullName}${excerpt(test.failureMessages?.[0] ?? '')}`);
  });
  failures.push(...unhandled.map((error) => `an error that belongs to no test${indented(linesOf(error))}`));
  if (failures.length === 0 && exitCode !== 0) failures.push(`vitest ended with code ${exitCode}`);
  return {
    passed: report.numPassedTests,
    failed: failures.length,
    skipped: report.numPendingTests + report.numTodoTests,
    failures,
  };
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

function run(command: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<number> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, ...environment },
    });
    child.on('error', (cause) => {
      console.error(String(cause));
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
