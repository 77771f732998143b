import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export const NOTHING: Totals = { passed: 0, failed: 0, skipped: 0 };

export function add(a: Totals, b: Totals): Totals {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
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
  return code === 0 ? { ...NOTHING, passed: 1 } : { ...NOTHING, failed: 1 };
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string }[];
  }[];
}

async function runVitest(project: string): Promise<Totals> {
  const folder = mkdtempSync(join(tmpdir(), 'slipway-test-'));
  const file = join(folder, 'report.json');
  try {
    const code = await run([
      'vitest',
      'run',
      '--project',
      project,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
    ]);
    return vitestTotals(JSON.parse(readFileSync(file, 'utf8')) as VitestReport, code);
  } catch (cause) {
    console.error(`vitest left no report: ${String(cause)}`);
    return { ...NOTHING, failed: 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A file that could not even be loaded has no tests to fail, so it counts as one; so does a run that ends badly for another reason. */
export function vitestTotals(report: VitestReport, exitCode: number): Totals {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
  ).length;
  const failed = report.numFailedTests + brokenFiles;
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

function run(command: readonly string[]): Promise<number> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', (cause) => {
      console.error(String(cause));
      resolve(1);
    });
    child.on('exit', (code) => resolve(code ?? 1));
  });
}
