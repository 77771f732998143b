import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from './copy.ts';

/** A folder beside `path` to build in: nobody takes it for a finished one, and it can be renamed in one step. */
export async function createBuildFolder(path: string): Promise<string> {
  const folder = join(dirname(path), `.building-${randomBytes(6).toString('hex')}`);
  await mkdir(folder, { recursive: true }).catch((cause: unknown) => fail(cause, folder));
  return folder;
}

/**
 * Makes a built folder the one at `path`, unless there is one already: of two that do the same work at once, the first wins,
 * and both have the same bytes to show.
 */
export async function publishFolder(built: string, path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await rename(built, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') fail(cause, path);
    await rm(built, { recursive: true, force: true });
  }
}

/** Writes a file in one step. */
export async function publishFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (cause) {
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
