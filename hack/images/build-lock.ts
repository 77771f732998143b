import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Progress } from './command.ts';

/**
 * Runs `work` while this process alone holds the lock file. The lock is the kernel's (`flock`), held by a child that lives as long
 * as its standard input: however this process ends, the lock is free at once and no stale file is in the way.
 */
export async function withBuildLock<T>(file: string, progress: Progress, work: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec cat >/dev/null'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const waiting = setTimeout(() => progress('waiting for another process that builds images'), 1_000);
  try {
    const ended = once(holder, 'exit').then(() => {
      throw new Error(`flock could not lock ${file}; is util-linux installed?`);
    });
    await Promise.race([once(holder.stdout, 'data'), ended]);
    ended.catch(() => undefined);
    clearTimeout(waiting);
    return await work();
  } finally {
    clearTimeout(waiting);
    holder.stdin.end();
  }
}
