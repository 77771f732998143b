/** The programs that the bench compares, each a process of its own that is measured from outside. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { processorSeconds, residentMebibytes } from '../resources.ts';

export interface Contender {
  readonly name: string;
  readonly command: readonly string[];
  /** What the job `sync` takes besides. */
  readonly syncArguments?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** YAML of what the API server must have before it starts. */
  readonly manifest?: string;
  /** What stands for a number of workers where it takes none. */
  readonly withWorkers?: (count: number) => Contender;
  /** Most of the work is over when the first object is done, so that nothing of it can be counted from there on. */
  readonly beginsAllAtOnce?: true;
  /** What has to be known of its figures. */
  readonly note?: string;
}

export interface RunningContender {
  processorSeconds(): number;
  residentMebibytes(): { readonly now: number; readonly peak: number };
  /** Resolves with the count of objects when its cache is filled. Only in the job `sync`. */
  readonly filled: Promise<number>;
  /** Rejects when the process ends before `stop`. */
  readonly unexpectedEnd: Promise<never>;
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly kubeconfigPath: string;
  readonly logPath: string;
}

export function startContender(
  { name, command, env = {} }: Contender,
  job: readonly string[],
  { kubeconfigPath, logPath }: StartOptions,
): RunningContender {
  const [program = '', ...args] = command;
  const log = openSync(logPath, 'w');
  const child = spawn(program, [...args, ...job], {
    stdio: ['ignore', 'pipe', log],
    env: { ...process.env, ...env, KUBECONFIG: kubeconfigPath },
  });
  closeSync(log);
  const { pid = 0 } = child;
  let isStopping = false;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const unexpectedEnd = new Promise<never>((_resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      const words = () => readFileSync(logPath, 'utf8').slice(-2000);
      if (!isStopping) reject(new Error(`${name} ended with code ${code}; its last words:\n${words()}`));
    });
  });
  unexpectedEnd.catch(() => {}); // nobody may be waiting just then
  // A failed bench would leave it asking a dead API server for ever.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  void ended.then(() => process.off('exit', kill));
  const filled = new Promise<number>((resolve) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      const count = /filled (\d+)/.exec(chunk.toString())?.[1];
      if (count !== undefined) resolve(Number(count));
    });
  });
  return {
    processorSeconds: () => processorSeconds(pid),
    residentMebibytes: () => residentMebibytes(pid),
    filled,
    unexpectedEnd,
    stop: () => {
      isStopping = true;
      child.kill('SIGTERM');
      return ended;
    },
  };
}
