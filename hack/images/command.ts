import { spawn } from 'node:child_process';

/** Takes one line of progress, without its newline. */
export type Progress = (line: string) => void;

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Told every few seconds how long the command has been running, and what it said last. */
  readonly progress?: Progress;
  /** What the progress lines call the work; needed with `progress`. */
  readonly label?: string;
}

const HEARTBEAT_MS = 5_000;
const KEPT_OUTPUT = 64 * 1024;

/** Runs a program to its end and returns its standard output. Throws with the last lines that it printed when it fails. */
export async function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const started = performance.now();
  const child = spawn(command, args, { cwd: options.cwd, env: options.env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let tail = '';
  const keep = (chunk: Buffer): void => {
    tail = (tail + chunk.toString()).slice(-KEPT_OUTPUT);
  };
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    keep(chunk);
  });
  child.stderr.on('data', keep);
  const heartbeat = setInterval(() => {
    options.progress?.(`${options.label ?? command} … ${seconds(started)} s${lastLine(tail)}`);
  }, HEARTBEAT_MS);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (code !== 0)
      throw new Error(
        `${options.label ?? command} failed (exit code ${code}):\n${tail.trim().split('\n').slice(-30).join('\n')}`,
      );
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT')
      throw new Error(`${command} is not installed.`, { cause });
    throw cause;
  } finally {
    clearInterval(heartbeat);
  }
  return stdout;
}

/** Whole seconds since a `performance.now()`. */
export function seconds(started: number): number {
  return Math.round((performance.now() - started) / 1000);
}

function lastLine(output: string): string {
  const lines = output.trimEnd().split('\n');
  // What a build does says more than what the program in it printed last.
  const line = (lines.findLast((text) => text.includes('STEP ')) ?? lines.at(-1) ?? '').trim();
  return line === '' ? '' : ` (${line.slice(0, 100)})`;
}
