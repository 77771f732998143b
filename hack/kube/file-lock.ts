import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Far longer than it takes to write a number into a file that was just made. */
const WRITING_MS = 5_000;

/** Runs `work` while no other process runs under the same lock file. The lock of a process that died is taken over. */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  while (!take(path)) await sleep(500);
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (holderIsAlive(path)) return false;
    rmSync(path, { force: true });
    return take(path);
  }
}

function holderIsAlive(path: string): boolean {
  try {
    const pid = Number(readFileSync(path, 'utf8'));
    // An empty file belongs to a holder that has made it and not yet written to it, or was killed between the two.
    if (pid === 0) return Date.now() - statSync(path).mtimeMs < WRITING_MS;
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
