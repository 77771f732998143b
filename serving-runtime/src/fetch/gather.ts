import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { digestOfRecords } from '@slipway/crds/digest';
import type { FileRecord } from '@slipway/crds/digest';
import { isArchiveName, unpack } from './archive/unpack.ts';
import { download, partPath } from './download.ts';
import { FetchError } from './failure.ts';
import { checkBytes, checkFiles } from './limits.ts';
import type { Limits } from './limits.ts';
import { inParallel } from './parallel.ts';
import type { Counters } from './progress.ts';
import { withRetries } from './retry.ts';
import { pathCollector } from './safe-path.ts';
import type { Listing, Source } from './sources/source.ts';

export interface Wanted {
  readonly source: Source;
  /** Of the files as they will lie there, by Slipway's own rule (`@slipway/crds/digest`). */
  readonly digest: string | undefined;
  /** Of the one file that is fetched, as `sha256sum` prints it. */
  readonly sha256: string | undefined;
  readonly unpack: 'auto' | 'always' | 'never';
  readonly limits: Limits;
  readonly concurrency: number;
  readonly retries: number;
}

export interface Context {
  readonly signal: AbortSignal;
  readonly log: (message: string, fields: object) => void;
  readonly counters: Counters;
  readonly pauseFactor: number;
}

export interface Gathered {
  readonly digest: string;
  readonly records: readonly FileRecord[];
}

/** A source that changes more often than this while it is read never comes to rest. */
const MAX_CHANGES = 3;

/** Brings all files of a source into `work/tree`, verified. What an earlier try left in `work` is gone on with. */
export async function gather(work: string, wanted: Wanted, context: Context): Promise<Gathered> {
  for (let changes = 0; ; changes++) {
    try {
      return await gatherOnce(work, wanted, context);
    } catch (cause) {
      const changed = cause instanceof FetchError && cause.reason === 'SourceChanged';
      if (!changed || changes >= MAX_CHANGES) throw cause;
      context.log('beginning again', { because: cause.message });
    }
  }
}

async function gatherOnce(work: string, wanted: Wanted, context: Context): Promise<Gathered> {
  const { source, limits } = wanted;
  const retry = { ...context, retries: wanted.retries };
  const list = () => source.list(limits.maxFiles, context.signal);
  const listing = await withRetries(list, () => 0, retry);
  count(listing, limits, context.counters);
  const collect = pathCollector();
  const paths = listing.files.map(({ name }) => collect(name));

  const parts = join(work, 'parts');
  await mkdir(parts, { recursive: true });
  await forgetOthers(parts, listing);
  const records = await inParallel(listing.files, wanted.concurrency, context.signal, async (file, signal) => {
    const onBytes = (bytes: number) => (context.counters.bytes += bytes);
    const options = { source, limits, onBytes, retry: { ...retry, signal } };
    const got = await download(file, partPath(parts, file), options);
    context.counters.files++;
    return got;
  });
  const fetched = records.map((record, index) => ({ path: paths[index] ?? '', ...record }));
  await checkSingle(listing, fetched, { wanted, parts });

  const tree = join(work, 'tree');
  await rm(tree, { recursive: true, force: true });
  await mkdir(tree);
  const result = wantsUnpacking(listing, wanted)
    ? await unpack(partPath(parts, listing.files[0] as Listing['files'][number]), tree, limits)
    : await assemble(listing, fetched, { parts, tree });
  const digest = digestOfRecords(result);
  if (wanted.digest === undefined || digest === wanted.digest) return { digest, records: result };
  await rm(work, { recursive: true, force: true });
  throw new FetchError(
    'DigestMismatch',
    `What was fetched has the digest ${digest}, not ${wanted.digest}: the bytes are not those that were named; put the right ones there, or name these`,
  );
}

function count({ files }: Listing, limits: Limits, counters: Counters): void {
  checkFiles(files.length, limits);
  const known = files.every(({ size }) => size !== undefined);
  const total = files.reduce((sum, { size = 0 }) => sum + size, 0);
  checkBytes(total, limits);
  Object.assign(counters, { files: 0, totalFiles: files.length, bytes: 0, totalBytes: known ? total : undefined });
}

async function forgetOthers(parts: string, { files }: Listing): Promise<void> {
  const expected = new Set(files.map((file) => partPath(parts, file)));
  for (const name of await readdir(parts)) {
    const path = join(parts, name);
    if (!expected.has(path.replace(/\.json$/, ''))) await rm(path);
  }
}

interface Single {
  readonly wanted: Wanted;
  readonly parts: string;
}

async function checkSingle(
  { kind }: Listing,
  fetched: readonly FileRecord[],
  { wanted, parts }: Single,
): Promise<void> {
  if (wanted.sha256 === undefined) return;
  if (kind === 'folder') {
    throw new FetchError('RequestInvalid', 'The source is a folder: --sha256 is for one file; give --digest instead');
  }
  const found = fetched[0]?.sha256;
  if (found === wanted.sha256) return;
  await rm(parts, { recursive: true, force: true });
  throw new FetchError(
    'DigestMismatch',
    `The file has the SHA-256 ${found}, not ${wanted.sha256}: the bytes are not those that were named; put the right ones there, or name these`,
  );
}

function wantsUnpacking({ kind, files }: Listing, wanted: Wanted): boolean {
  if (wanted.unpack === 'never') return false;
  if (kind === 'file') return wanted.unpack === 'always' || isArchiveName(files[0]?.name ?? '');
  if (wanted.unpack === 'auto') return false;
  throw new FetchError('RequestInvalid', 'The source is a folder: --unpack=always is for one archive');
}

async function assemble(
  { files }: Listing,
  fetched: readonly FileRecord[],
  { parts, tree }: { readonly parts: string; readonly tree: string },
): Promise<readonly FileRecord[]> {
  for (const [index, file] of files.entries()) {
    const target = join(tree, fetched[index]?.path ?? '');
    await mkdir(dirname(target), { recursive: true });
    await rename(partPath(parts, file), target);
  }
  return fetched;
}
