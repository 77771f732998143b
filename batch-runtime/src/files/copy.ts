import { copyFile, lstat, mkdir, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { BatchError } from '../failure.ts';
import { regularFiles } from '@slipway/crds/digest';

export interface Copied {
  readonly files: number;
  readonly bytes: number;
}

/** Copies a file into a folder, or all regular files below a folder into it. @throws {BatchError} what `fail` makes of a cause */
export async function copyInto(from: string, to: string): Promise<Copied> {
  try {
    const isFolder = (await stat(from)).isDirectory();
    const names = isFolder ? await regularFiles(from) : [basename(from)];
    const folder = isFolder ? from : dirname(from);
    let bytes = 0;
    for (const name of names) bytes += await copyOne(join(folder, name), join(to, name));
    return { files: names.length, bytes };
  } catch (cause) {
    return fail(cause, from);
  }
}

async function copyOne(from: string, to: string): Promise<number> {
  await mkdir(dirname(to), { recursive: true });
  if (!(await lstat(from)).isFile())
    throw new BatchError('FileNotReadable', `${from} is no regular file; links are not followed`);
  await copyFile(from, to);
  return (await stat(to)).size;
}

/** Turns what the file system says into what a person can act on. */
export function fail(cause: unknown, path: string): never {
  const { code, path: where = path } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    throw new BatchError('StoreFull', `No space is left for ${where}; make the volume larger or remove files`, {
      cause,
    });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const user = process.getuid?.();
    throw new BatchError(
      'StoreNotWritable',
      `user ${user} may not read or write ${where}; the volume has to allow that`,
      {
        cause,
      },
    );
  }
  if (code === 'ENOENT') throw new BatchError('FileNotFound', `There is no ${where}`, { cause });
  throw cause;
}
