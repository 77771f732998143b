import { constants, open, lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { regularFiles } from '@slipway/crds/digest';
import { FetchError, diskFailure } from '../failure.ts';
import type { Listing, Source, SourceFile } from './source.ts';

/** A file or folder that is mounted: `file://` and `pvc://`. Links below it are left out, as they are in its digest. */
export function localSource(path: string): Source {
  const list = async (maxFiles: number): Promise<Listing> => {
    const root = await lstat(path).catch((cause: unknown) => notThere(cause, path));
    if (root.isSymbolicLink()) throw new FetchError('LinkRefused', `${path} is a link; name the file or folder itself`);
    if (!root.isDirectory()) return { kind: 'file', files: [await described(dirname(path), basename(path))] };
    const names = await regularFiles(join(path));
    if (names.length === 0)
      throw new FetchError('FileNotFound', `${path} holds no files; check the path and what is mounted`);
    return {
      kind: 'folder',
      files: await Promise.all(names.slice(0, maxFiles + 1).map((name) => described(path, name))),
    };
  };
  return {
    list,
    open: async ({ name }, { offset }) => {
      const folder = (await stat(path)).isDirectory() ? path : dirname(path);
      const file = await openBelow(folder, name);
      const { size, version } = await described(folder, name);
      const body = file.createReadStream({ start: offset, highWaterMark: 1024 * 1024 });
      // It may fail before anyone reads it; who reads it later still sees that.
      body.on('error', () => {});
      return { body, offset, size, version };
    },
    close: () => {},
  };
}

async function described(folder: string, name: string): Promise<SourceFile> {
  const { size, mtimeNs, ino } = await stat(join(folder, name), { bigint: true });
  return { id: name, name, size: Number(size), version: `${ino}-${mtimeNs}` };
}

/** Someone may put a link where a file or a folder was a moment ago. */
async function openBelow(folder: string, name: string) {
  const path = join(folder, name);
  const root = await realpath(folder);
  if (!(await realpath(path)).startsWith(root + sep)) throw new FetchError('LinkRefused', `${path} leads elsewhere`);
  return open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((cause: unknown) => notThere(cause, path));
}

function notThere(cause: unknown, path: string): never {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    throw new FetchError('FileNotFound', `There is no ${path}; check the path and what is mounted`, { cause });
  }
  throw diskFailure(cause);
}
