import { randomUUID } from 'node:crypto';
import {
  constants,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOfRecords, recordOf } from '@slipway/crds/digest';
import type { FileRecord } from '@slipway/crds/digest';
import { pathCollector } from './safe-path.ts';

/** What one needs to see cheaply that a file is still as it was verified. */
interface CachedFile extends FileRecord {
  readonly mtimeNs: string;
}

interface Manifest {
  readonly bytes: number;
  readonly files: readonly CachedFile[];
}

/** A partial download that nobody has touched for so long is given up. */
const ABANDONED_AFTER_MS = 24 * 3600 * 1000;

function entryPath(cache: string, digest: string): string {
  return join(cache, ...digest.split(':'));
}

/** Where the download of a source is collected, by a name that anyone finds who fetches the same. */
export function workPath(cache: string, key: string): string {
  return join(cache, 'work', key);
}

/** Makes a verified tree the entry of its digest. Of two that do this at once, the first wins, with the same bytes. */
export async function addToCache(
  cache: string,
  digest: string,
  tree: string,
  records: readonly FileRecord[],
): Promise<void> {
  const entry = `${tree}.entry`;
  await rm(entry, { recursive: true, force: true });
  await mkdir(entry);
  await rename(tree, join(entry, 'files'));
  const files: CachedFile[] = [];
  for (const record of records) {
    const { mtimeNs } = await lstat(join(entry, 'files', record.path), { bigint: true });
    files.push({ ...record, mtimeNs: String(mtimeNs) });
  }
  const manifest: Manifest = { bytes: records.reduce((sum, { size }) => sum + size, 0), files };
  await writeFile(join(entry, 'manifest.json'), JSON.stringify(manifest), { flush: true });
  const path = entryPath(cache, digest);
  await mkdir(dirname(path), { recursive: true });
  await rename(entry, path).catch(async (cause: unknown) => {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw cause;
    await rm(entry, { recursive: true, force: true });
  });
}

/**
 * Copies an entry to `to`, if there is one and its files have the size and the time with which they were verified; one with
 * another time is read again. A bad entry is removed.
 *
 * Copies are reflinks where the file system can (btrfs, XFS): they cost neither time nor space. Hard links are never made: they
 * do not reach from one mount to another, as a cache and a pod's volume are, and whoever writes to one writes to all.
 */
export async function takeFromCache(
  cache: string,
  digest: string,
  to: string,
): Promise<readonly FileRecord[] | undefined> {
  const entry = entryPath(cache, digest);
  const manifest = await readManifest(entry);
  if (manifest === undefined) return undefined;
  const intact = digestOfRecords(manifest.files) === digest && (await allIntact(join(entry, 'files'), manifest.files));
  if (!intact) {
    await remove(cache, entry);
    return undefined;
  }
  const now = new Date();
  await utimes(entry, now, now).catch(() => undefined);
  try {
    await copyTree(join(entry, 'files'), to, manifest.files);
  } catch (cause) {
    // Another made room in the meantime.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT' && (await readManifest(entry)) === undefined)
      return undefined;
    throw cause;
  }
  return manifest.files.map(({ path, size, sha256 }) => ({ path, size, sha256 }));
}

async function copyTree(from: string, to: string, files: readonly FileRecord[]): Promise<void> {
  const safe = pathCollector();
  await rm(to, { recursive: true, force: true });
  for (const { path } of files) {
    const target = join(to, safe(path));
    await mkdir(dirname(target), { recursive: true });
    await copyFile(join(from, path), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
}

async function allIntact(folder: string, files: readonly CachedFile[]): Promise<boolean> {
  for (const { path, size, sha256, mtimeNs } of files) {
    const found = await lstat(join(folder, path), { bigint: true }).catch(() => undefined);
    if (found === undefined || !found.isFile() || Number(found.size) !== size) return false;
    if (String(found.mtimeNs) !== mtimeNs && (await recordOf(folder, path)).sha256 !== sha256) return false;
  }
  return true;
}

async function readManifest(entry: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(join(entry, 'manifest.json'), 'utf8')) as Manifest;
  } catch {
    return undefined;
  }
}

/** Out of sight in one step, so that nobody takes half of it. */
async function remove(cache: string, entry: string): Promise<void> {
  const aside = join(cache, 'work', `gone-${randomUUID()}`);
  await mkdir(dirname(aside), { recursive: true });
  await rename(entry, aside).catch(() => undefined);
  await rm(aside, { recursive: true, force: true });
}

/** Removes what was used longest ago until the rest has at most `maxBytes`, never `keep`; and downloads that nobody goes on with. */
export async function tidyCache(cache: string, maxBytes: number, keep: string): Promise<void> {
  const entries: { path: string; bytes: number; usedMs: number }[] = [];
  for (const name of await readdir(join(cache, 'sha256'))) {
    const path = join(cache, 'sha256', name);
    const { bytes = 0 } = (await readManifest(path)) ?? {};
    const { mtimeMs: usedMs = 0 } = (await stat(path).catch(() => undefined)) ?? {};
    entries.push({ path, bytes, usedMs });
  }
  let total = entries.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const { path, bytes } of entries.sort((a, b) => a.usedMs - b.usedMs)) {
    if (total <= maxBytes) break;
    if (path === entryPath(cache, keep)) continue;
    await remove(cache, path);
    total -= bytes;
  }
  await removeAbandoned(join(cache, 'work'));
}

async function removeAbandoned(work: string): Promise<void> {
  const names: string[] = await readdir(work).catch(() => []);
  for (const name of names) {
    if (name.endsWith('.lock') || names.includes(`${name}.lock`)) continue;
    const changed = await stat(join(work, name)).catch(() => undefined);
    if (changed !== undefined && Date.now() - changed.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(join(work, name), { recursive: true, force: true });
    }
  }
}
