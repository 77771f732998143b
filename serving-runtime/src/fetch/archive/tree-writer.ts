import { createHash } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FileRecord } from '@slipway/crds/digest';
import { checkBytes, checkFiles, checkRatio } from '../limits.ts';
import type { Limits } from '../limits.ts';
import { pathCollector } from '../safe-path.ts';

/** Writes what comes out of an archive, and nothing else, below one new folder. */
export interface TreeWriter {
  readonly file: (name: string, body: AsyncIterable<Uint8Array>) => Promise<void>;
  readonly records: readonly FileRecord[];
}

/** `archiveBytes`: what the archive takes itself, which its contents are held against. */
export function createTreeWriter(root: string, archiveBytes: number, limits: Limits): TreeWriter {
  const collect = pathCollector();
  const records: FileRecord[] = [];
  let total = 0;

  const file = async (name: string, body: AsyncIterable<Uint8Array>): Promise<void> => {
    const path = collect(name);
    checkFiles(records.length + 1, limits);
    await mkdir(dirname(join(root, path)), { recursive: true });
    // The folder is new and ours, so whatever is there already came out of the same archive.
    const handle = await open(join(root, path), 'wx', 0o644);
    const hash = createHash('sha256');
    let size = 0;
    try {
      for await (const chunk of body) {
        size += chunk.length;
        total += chunk.length;
        checkBytes(total, limits);
        checkRatio(total, archiveBytes, limits);
        hash.update(chunk);
        await handle.write(chunk);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    records.push({ path, size, sha256: hash.digest('hex') });
  };
  return { file, records };
}
