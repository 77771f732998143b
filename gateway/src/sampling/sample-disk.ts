/** Files with samples on a disk; paths are below the folder of all. Everything here throws what the file system says. */
import { constants } from 'node:fs';
import { appendFile, mkdir, open, readdir, rename, rmdir, stat, unlink, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OPEN_SUFFIX, readFileName } from './sample-name.ts';

/** What clients send is not for everybody on the machine. */
const FILE_MODE = 0o640;
const FOLDER_MODE = 0o750;
const LOOK_BACK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

export interface FoundFile {
  readonly path: string;
  readonly bytes: number;
  /** In milliseconds since 1970. */
  readonly modifiedAt: number;
}

export interface SampleDisk {
  /** Makes a file, and its folders. */
  create(path: string, text: string): Promise<void>;
  /** Adds to the end of a file, which must be there. */
  append(path: string, text: string): Promise<void>;
  /** An open file gets its last name. */
  finish(path: string): Promise<void>;
  /** The same for a file of which nobody knows how its writer ended: what stands after its last whole line goes. */
  finishTorn(path: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** All that have names of ours. */
  list(): Promise<readonly FoundFile[]>;
}

export function createSampleDisk(folder: string): SampleDisk {
  const at = (path: string) => join(folder, path);

  async function finish(path: string): Promise<void> {
    await rename(at(path), at(finishedName(path)));
  }

  return {
    create: async (path, text) => {
      await mkdir(dirname(at(path)), { recursive: true, mode: FOLDER_MODE });
      await writeFile(at(path), text, { flag: 'wx', mode: FILE_MODE });
    },
    append: (path, text) => appendFile(at(path), text, { flag: constants.O_WRONLY | constants.O_APPEND }),
    finish,
    finishTorn: async (path) => {
      const handle = await open(at(path), 'r+');
      try {
        await handle.truncate(await endOfLastLine(handle));
      } finally {
        await handle.close();
      }
      await finish(path);
    },
    remove: async (path) => {
      await unlink(at(path));
      // The last of a service that is no more; else it is not empty.
      await rmdir(dirname(at(path))).catch(() => {});
    },
    list: async () => {
      const found: FoundFile[] = [];
      for (const namespace of await foldersIn(folder)) {
        for (const service of await foldersIn(at(namespace)))
          found.push(...(await filesIn(folder, `${namespace}/${service}`)));
      }
      return found;
    },
  };
}

export function finishedName(path: string): string {
  return path.slice(0, -OPEN_SUFFIX.length);
}

async function foldersIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(noneWhereMissing);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function filesIn(folder: string, path: string): Promise<FoundFile[]> {
  const entries = await readdir(join(folder, path), { withFileTypes: true }).catch(noneWhereMissing);
  const found: FoundFile[] = [];
  for (const entry of entries) {
    if (!entry.isFile() || readFileName(entry.name) === undefined) continue;
    // Another gateway may have removed it meanwhile.
    const stats = await stat(join(folder, path, entry.name)).catch(noneWhereMissing);
    if ('size' in stats) found.push({ path: `${path}/${entry.name}`, bytes: stats.size, modifiedAt: stats.mtimeMs });
  }
  return found;
}

async function endOfLastLine(handle: FileHandle): Promise<number> {
  const buffer = Buffer.alloc(LOOK_BACK_BYTES);
  let end = (await handle.stat()).size;
  while (end > 0) {
    const from = Math.max(0, end - LOOK_BACK_BYTES);
    const { bytesRead } = await handle.read(buffer, 0, end - from, from);
    const last = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE);
    if (last >= 0) return from + last + 1;
    end = from;
  }
  return 0;
}

function noneWhereMissing(cause: unknown): [] {
  if (isMissing(cause)) return [];
  throw cause;
}

export function isMissing(cause: unknown): boolean {
  return (cause as NodeJS.ErrnoException).code === 'ENOENT';
}
