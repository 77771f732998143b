/** The program under test: a real process that can be killed and started again at any moment. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';

export interface SubjectCommand {
  /** Arguments of node. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Subject {
  start(): void;
  /** SIGKILL; resolves once it is dead. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL after ten seconds. Resolves with how it ended. */
  stop(): Promise<string>;
  /** Exits that nobody asked for. */
  readonly crashes: readonly string[];
  /** The last lines that it wrote, of all its lives. */
  log(): string;
}

const KEPT_LOG_BYTES = 400_000;
const STOP_DEADLINE_MS = 10_000;

/** They must not outlive this process, however it is left: without the proxy they would try again for ever. */
const alive = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

export function createSubject({ args, env }: SubjectCommand): Subject {
  const crashes: string[] = [];
  let log = '';
  let child: ChildProcess | undefined;
  let expected = false;

  function keep(chunk: Buffer): void {
    log = (log + chunk.toString('utf8')).slice(-KEPT_LOG_BYTES);
  }

  async function end(signal: NodeJS.Signals): Promise<string> {
    const running = child;
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return 'was not running';
    expected = true;
    const exit = new Promise<string>((resolve) => {
      running.once('exit', (code, by) => resolve(`code ${code}, signal ${by}`));
    });
    running.kill(signal);
    const deadline = setTimeout(() => running.kill('SIGKILL'), STOP_DEADLINE_MS);
    try {
      return await exit;
    } finally {
      clearTimeout(deadline);
    }
  }

  return {
    start() {
      expected = false;
      // In a group of its own: Ctrl-C is for the one who asked for the runs.
      const started = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
      started.stdout.on('data', keep);
      started.stderr.on('data', keep);
      alive.add(started);
      started.on('exit', (code, signal) => {
        alive.delete(started);
        if (!expected && started === child) crashes.push(`exited by itself with code ${code}, signal ${signal}`);
      });
      child = started;
    },
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    crashes,
    log: () => log,
  };
}
