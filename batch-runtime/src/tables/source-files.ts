import { globSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import { BatchError } from '../failure.ts';
import { pathInStore } from '../files/store-path.ts';

/** The files that a path with wildcards names below a Store, sorted. @throws {BatchError} FileNotFound, FileNotReadable */
export function findSourceFiles(dir: string, path: string): string[] {
  const found = globSync(path, { cwd: dir })
    .sort()
    .map((name) => join(dir, name));
  if (found.length === 0) {
    throw new BatchError(
      'FileNotFound',
      `no file matches ${path} in the Store (${pathInStore(dir) || 'its root'}); put the files there, or change the path`,
    );
  }
  const root = realpathSync(dir);
  const outside = found.find((file) => !realpathSync(file).startsWith(root + sep));
  if (outside !== undefined)
    throw new BatchError(
      'FileNotReadable',
      `${pathInStore(outside)} is a link that leaves the Store; copy the file instead`,
    );
  return found;
}
