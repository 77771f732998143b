import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fail } from './copy.ts';
import { regularFiles } from '@slipway/crds/digest';

/** A temporary folder without a change for this long was left by a container that was killed. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

/** Folders that are being built by this process. */
const building = new Set<string>();

/** Removes what this process has begun and not published; for a signal handler, so at once. */
export function removeUnpublished(): void {
  for (const folder of building) rmSync(folder, { recursive: true, force: true });
}

async function removeAbandoned(parent: string, prefix: string): Promise<void> {
  for (const name of await readdir(parent)) {
    if (!name.startsWith(prefix)) continue;
    const changed = await stat(join(parent, name)).catch(() => undefined);
    if (changed !== undefined && Date.now() - changed.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(join(parent, name), { recursive: true, force: true });
    }
  }
}

/**
 * Builds a folder `<path>.tmp-<random>` beside `path`: nobody takes it for a finished one, and it can be renamed in one step.
 * It is gone when `build` has thrown or has not published it; those that killed containers left a day ago go too.
 */
export async function withBuildFolder<T>(path: string, build: (folder: string) => Promise<T>): Promise<T> {
  const prefix = `${basename(path)}.tmp-`;
  const folder = join(dirname(path), `${prefix}${randomBytes(6).toString('hex')}`);
  building.add(folder);
  try {
    await mkdir(folder, { recursive: true });
    await removeAbandoned(dirname(path), prefix);
  } catch (cause) {
    return fail(cause, folder);
  }
  try {
    return await build(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
    building.delete(folder);
  }
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

/**
 * Makes a built folder the one at `path`, unless there is one already.
 * @returns false if there was: of two that do the same work at once, the first wins.
 */
export async function publishFolder(built: string, path: string): Promise<boolean> {
  try {
    for (const name of await regularFiles(built)) await flush(join(built, name));
    await flush(built);
    await mkdir(dirname(path), { recursive: true });
    await rename(built, path);
    await flush(dirname(path));
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') fail(cause, path);
    return false;
  }
}

/** Writes a file in one step. */
export async function publishFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.tmp-${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    fail(cause, path);
  }
}

/** The JSON in a file; undefined when there is none. */
export async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}
