import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { add, NOTHING, oneFailure } from './totals.ts';
import type { Totals } from './totals.ts';
import { ERRORS_FILE } from './unhandled-errors.ts';
import { afterSecondTry, failedFiles, failuresIn, vitestTotals } from './vitest-report.ts';
import type { VitestReport } from './vitest-report.ts';

const CHECKS: readonly (readonly [name: string, command: readonly string[]])[] = [
  ['generated files are up to date', ['node', 'hack/generate.ts', '--check']],
  ['types', ['tsc', '-p', 'tsconfig.json']],
  ['lint', ['oxlint', '--type-aware', '.']],
  ['format', ['oxfmt', '--check', '.']],
  ['unused code', ['knip']],
];

/** More files than these do not fail by accident. */
const MOST_FILES_TRIED_AGAIN = 3;

/**
 * Runs one level and counts: a static check is one test, the demo is one test, the rest is what vitest reports.
 *
 * @param mayTryAgain the few files of which something failed run once more, alone.
 */
export async function runLevel(name: string, mayTryAgain: boolean): Promise<Totals> {
  if (name === 'check') return runChecks();
  if (name === 'demo') return oneTest('the demo', ['node', 'hack/demo/main.ts', '--ci']);
  try {
    return await runVitest(name, mayTryAgain);
  } catch (cause) {
    console.error(`vitest left no report: ${String(cause)}`);
    return oneFailure('vitest left no report');
  }
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

async function runVitest(project: string, mayTryAgain: boolean): Promise<Totals> {
  const first = await vitest(project, []);
  const files = failedFiles(first.report);
  if (!mayTryAgain || files.length === 0 || files.length > MOST_FILES_TRIED_AGAIN) {
    return vitestTotals(first.report, first.code, first.unhandled);
  }
  console.log(
    `\n  ${files.length === 1 ? 'The file' : `The ${files.length} files`} with a failed test once more, alone:`,
  );
  const second = await vitest(project, files);
  const totals = vitestTotals(afterSecondTry(first.report, second.report), second.code, [
    ...first.unhandled,
    ...second.unhandled,
  ]);
  return { ...totals, flaky: totals.failed === 0 ? failuresIn(first.report) : [] };
}

interface VitestRun {
  readonly report: VitestReport;
  readonly code: number;
  /** Errors that belong to no test. */
  readonly unhandled: readonly string[];
}

/** @param files their paths; all of the project without any. */
async function vitest(project: string, files: readonly string[]): Promise<VitestRun> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-test-'));
  const [report, errors] = [join(folder, 'report.json'), join(folder, 'errors.json')];
  const reporters = ['default', 'json', './hack/test/unhandled-errors.ts'].map((name) => `--reporter=${name}`);
  const options = ['--project', project, ...reporters, `--outputFile.json=${report}`];
  try {
    const code = await run(['vitest', 'run', ...files, ...options], { [ERRORS_FILE]: errors });
    const unhandled = existsSync(errors) ? (readJson(errors) as string[]) : [];
    return { report: readJson(report) as VitestReport, code, unhandled };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
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
