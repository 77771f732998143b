/** A folder becomes visible under its final name in one step, or not at all. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Context } from '../context.ts';
import { errorCode, writeFailure } from '../failure.ts';
import { listTree } from './tree.ts';

/** A temporary folder without a change for this long belonged to a container that was killed. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

function flush(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function removeAbandoned(parent: string, prefix: string, now: number): void {
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(prefix)) continue;
    const path = `${parent}/${name}`;
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && now - stat.mtimeMs > ABANDONED_AFTER_MS) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * Makes an empty folder `<final>.tmp-<run>` beside the final one, on the same volume; it goes when the process is stopped.
 * Those that killed containers left a day ago are removed.
 * @throws BatchError `StoreNotWritable` or `StoreFull`.
 */
export function makeTemporaryFolder(final: string, context: Pick<Context, 'runName' | 'temporary'>): string {
  const path = `${final}.tmp-${context.runName}`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    removeAbandoned(dirname(path), `${basename(final)}.tmp-`, Date.now());
    mkdirSync(path);
    context.temporary.add(path);
    return path;
  } catch (cause) {
    throw writeFailure(cause, path);
  }
}

/** Removes a temporary folder; does nothing if it is gone. */
export function dropTemporaryFolder(path: string, context: Pick<Context, 'temporary'>): void {
  rmSync(path, { recursive: true, force: true });
  context.temporary.delete(path);
}

/**
 * Gives a finished temporary folder its final name.
 * @returns false if a folder of that name was there before; then the temporary one is removed.
 */
export function publishFolder(temporary: string, final: string, context: Pick<Context, 'temporary'>): boolean {
  try {
    for (const file of listTree(temporary).files) flush(`${temporary}/${file}`);
    flush(temporary);
    mkdirSync(dirname(final), { recursive: true });
    // Renaming onto an empty folder replaces it; onto one with files it fails, whoever made it.
    renameSync(temporary, final);
    flush(dirname(final));
    context.temporary.delete(temporary);
    return true;
  } catch (cause) {
    if (['ENOTEMPTY', 'EEXIST'].includes(errorCode(cause) ?? '') && existsSync(final)) {
      dropTemporaryFolder(temporary, context);
      return false;
    }
    throw writeFailure(cause, final);
  }
}
