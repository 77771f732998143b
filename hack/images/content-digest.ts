import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * sha256 (hex) over the paths and contents of files. Folders are walked; `leftOut` decides about paths relative to `root`.
 * A path that does not exist counts as absent, so that making it later changes the digest.
 */
export async function contentDigest(
  root: string,
  paths: readonly string[],
  leftOut: (path: string) => boolean,
): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths.toSorted()) {
    for (const file of await filesBelow(root, path)) {
      if (leftOut(file)) continue;
      const content = createHash('sha256')
        .update(await readFile(join(root, file)))
        .digest('hex');
      hash.update(`${content}  ${file}\n`);
    }
  }
  return hash.digest('hex');
}

async function filesBelow(root: string, path: string): Promise<string[]> {
  const entry = await stat(join(root, path)).catch(() => undefined);
  if (entry === undefined) return [];
  if (!entry.isDirectory()) return [path];
  const below = await readdir(join(root, path), { recursive: true, withFileTypes: true });
  return below
    .filter((child) => child.isFile())
    .map((child) => join(child.parentPath, child.name).slice(join(root, '/').length))
    .toSorted();
}
