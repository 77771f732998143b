import { open, stat } from 'node:fs/promises';
import type { FileRecord } from '@slipway/crds/digest';
import { diskFailure, FetchError } from '../failure.ts';
import type { Limits } from '../limits.ts';
import { createTreeWriter } from './tree-writer.ts';

type Format = 'tar' | 'tar.gz' | 'zip';

export function isArchiveName(name: string): boolean {
  return /\.(tar|tar\.gz|tgz|zip)$/i.test(name);
}

/** Unpacks an archive into `root`, a new folder. What it is, its first bytes say, not its name. */
export async function unpack(path: string, root: string, limits: Limits): Promise<readonly FileRecord[]> {
  const format = await formatOf(path);
  const { size } = await stat(path);
  const writer = createTreeWriter(root, size, limits);
  try {
    // Loaded when there is something to unpack.
    if (format === 'zip') await (await import('./unzip.ts')).unzip(path, writer, limits);
    else await (await import('./untar.ts')).untar({ path, bytes: size, packed: format === 'tar.gz' }, writer, limits);
  } catch (cause) {
    throw archiveFailure(cause);
  }
  if (writer.records.length > 0) return writer.records;
  throw new FetchError('ArchiveInvalid', 'The archive holds no files');
}

async function formatOf(path: string): Promise<Format> {
  const handle = await open(path);
  const { buffer } = await handle.read(Buffer.alloc(512), 0, 512, 0).finally(() => handle.close());
  if (buffer[0] === 0x1f && buffer[1] === 0x8b) return 'tar.gz';
  if (buffer.subarray(0, 2).toString('latin1') === 'PK') return 'zip';
  if (buffer.subarray(257, 262).toString('latin1') === 'ustar') return 'tar';
  throw new FetchError(
    'ArchiveInvalid',
    'The file is no tar, no gzipped tar and no zip; --unpack=never keeps it as it is',
  );
}

/** The errors of the packages that read archives have only words. */
function archiveFailure(cause: unknown): unknown {
  const known = diskFailure(cause);
  if (known instanceof FetchError) return known;
  const { message, name } = cause as Error;
  if (name === 'AbortError') return cause;
  const path = /absolute path|invalid relative path|invalid characters in fileName/.test(message);
  if (path) return new FetchError('PathUnsafe', `The archive has a file whose path is not safe: ${message}`, { cause });
  return new FetchError('ArchiveInvalid', `The archive cannot be read: ${message}`, { cause });
}
