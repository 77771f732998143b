import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';

export interface LongRunning {
  readonly name: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts a long-running program of the box, its output in `logs/NAME.log`. When it ends by itself, `died` hears of it. */
export function startProcess(
  { name, program, args, env = {} }: LongRunning,
  { logs, died }: { logs: string; died: (name: string, how: string) => void },
): void {
  const log = openSync(join(logs, `${name}.log`), 'w');
  const child = spawn(program, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } });
  child.on('error', (cause) => died(name, cause.message));
  child.on('exit', (code, signal) => died(name, signal ?? `exit code ${code}`));
}

/** Asks until the answer is yes. Rejects with the last lines of a log when that takes too long. */
export async function until(
  what: string,
  test: () => Promise<boolean>,
  { log, timeoutMs = 60_000 }: { log: string; timeoutMs?: number },
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await test().catch(() => false))) {
    if (Date.now() > deadline)
      throw new Error(`${what} took more than ${timeoutMs / 1000} s; ${log} says:\n${lastLines(log)}`);
    await sleep(100);
  }
}

export function lastLines(path: string): string {
  try {
    return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-10).join('\n');
  } catch {
    return '(nothing)';
  }
}
