import { accessSync, constants, globSync, realpathSync, statSync } from 'node:fs';
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
      `No file matches ${path} in the Store (${pathInStore(dir) || 'its root'}); put the files there, or change the path`,
    );
  }
  const root = realpathSync(dir);
  const outside = found.find((file) => !realpathSync(file).startsWith(root + sep));
  if (outside !== undefined)
    throw new BatchError(
      'FileNotReadable',
      `${pathInStore(outside)} is a link that leaves the Store; copy the file instead`,
    );
  const folder = found.find((file) => statSync(file).isDirectory());
  if (folder !== undefined)
    throw new BatchError(
      'FileNotFound',
      `${pathInStore(folder)} is a folder; name the files in it, for example ${path}/*`,
    );
  for (const file of found) refuseUnreadable(file);
  if (found.every((file) => statSync(file).size === 0))
    throw new BatchError('TableEmpty', `${found.map(pathInStore).join(', ')} is empty, without even a header`);
  return found;
}

function refuseUnreadable(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    const message = `${pathInStore(file)} may not be read by user ${process.getuid?.()}; the volume has to allow that`;
    throw new BatchError('FileNotReadable', message, { cause });
  }
}
