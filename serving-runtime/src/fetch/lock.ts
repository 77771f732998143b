import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskFailure, FetchError } from './failure.ts';

export interface LockTimes {
  /** A holder shows this often that it lives. */
  readonly beatMs: number;
  /** A holder that was not seen to live for so long is dead. */
  readonly deadMs: number;
}

const TIMES: LockTimes = { beatMs: 2000, deadMs: 15_000 };
const POLL_MS = 200;

export interface LockOptions {
  readonly signal: AbortSignal;
  readonly log: (message: string, fields: object) => void;
  readonly times?: LockTimes;
}

/**
 * Does `work` while the file `path` exists with our token in it. Works between pods that share a volume: no clocks are compared,
 * and no process numbers. `work` is told by its signal when the lock is lost, as to a machine that stood still too long.
 */
export async function withLock<T>(
  path: string,
  { signal, log, times = TIMES }: LockOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const token = randomUUID();
  await mkdir(dirname(path), { recursive: true }).catch((cause: unknown) => Promise.reject(diskFailure(cause)));
  await acquire(path, token, { signal, log, times });
  const lost = new AbortController();
  const beat = setInterval(() => {
    void keep(path, token).then((ours) => {
      if (!ours)
        lost.abort(new FetchError('LockLost', `The lock ${path} was taken by another; try again`, { again: true }));
    });
  }, times.beatMs);
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    clearInterval(beat);
    if ((await content(path)) === token) await rm(path, { force: true });
  }
}

async function acquire(path: string, token: string, { signal, log, times }: Required<LockOptions>): Promise<void> {
  let seen = '';
  let since = performance.now();
  let told = false;
  while (!(await create(path, token))) {
    signal.throwIfAborted();
    const sign = await signOfLife(path);
    if (sign !== seen) {
      seen = sign;
      since = performance.now();
    } else if (performance.now() - since > times.deadMs) {
      await breakLock(path, sign);
      continue;
    }
    if (!told) log('waiting for another fetch of the same', { lock: path });
    told = true;
    await sleep(POLL_MS, undefined, { signal });
  }
}

async function create(path: string, token: string): Promise<boolean> {
  try {
    await writeFile(path, token, { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw diskFailure(cause);
  }
}

async function breakLock(path: string, sign: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  // Between the look and the step another may have broken it, and hold it now: then it gets its own back.
  if ((await signOfLife(aside)) !== sign) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function signOfLife(path: string): Promise<string> {
  const changed = await stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
  return `${await content(path)} ${changed}`;
}

async function keep(path: string, token: string): Promise<boolean> {
  if ((await content(path)) !== token) return false;
  await utimes(path, new Date(), new Date()).catch(() => undefined);
  return true;
}

function content(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
