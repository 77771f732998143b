import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { digestOf } from '@slipway/crds/digest';
import type { Digested } from '@slipway/crds/digest';
import { addToCache, takeFromCache, tidyCache, workPath } from './cache.ts';
import { contents, NO_CONTENT, publish, recover, workplaceFor } from './destination.ts';
import type { Workplace } from './destination.ts';
import { diskFailure, FetchError } from './failure.ts';
import { gather } from './gather.ts';
import type { Context, Gathered, Wanted } from './gather.ts';
import { withLock } from './lock.ts';

export interface FetchRequest extends Wanted {
  readonly destination: string;
  /** What is at the destination may go. */
  readonly replace: boolean;
  readonly cache: CacheOptions | undefined;
}

export interface CacheOptions {
  readonly folder: string;
  readonly maxBytes: number;
  /** The same for all who fetch the same in the same way. */
  readonly key: string;
}

export interface Fetched {
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  /** `destination`: it was there already. */
  readonly from: 'source' | 'cache' | 'destination';
}

/** Brings a source to its destination: all of it, verified, or nothing. */
export async function fetchModel(request: FetchRequest, context: Context): Promise<Fetched> {
  try {
    const place = await workplaceFor(request.destination);
    return await withLock(`${place.folder}.lock`, context, (signal) => fetchTo(place, request, { ...context, signal }));
  } catch (cause) {
    throw diskFailure(cause);
  }
}

async function fetchTo(place: Workplace, request: FetchRequest, context: Context): Promise<Fetched> {
  await recover(place);
  const occupied = (await contents(place.destination)).length > 0;
  // Without a digest it is the fetched files that what is there is compared with.
  if (occupied && request.digest !== undefined) {
    const there = await digestOf(place.destination, NO_CONTENT);
    if (there.digest === request.digest) return alreadyThere(place, there);
    if (!request.replace) throw notEmpty(place);
  }
  const { from, digest, records } = await bring(place, request, context);
  if (occupied && !request.replace) {
    const there = await digestOf(place.destination, NO_CONTENT);
    if (there.digest === digest) return alreadyThere(place, there);
    throw notEmpty(place);
  }
  context.signal.throwIfAborted();
  await publish(join(place.folder, 'tree'), place);
  return { digest, files: records.length, bytes: records.reduce((sum, { size }) => sum + size, 0), from };
}

async function alreadyThere({ folder }: Workplace, { digest, files, bytes }: Digested): Promise<Fetched> {
  await rm(folder, { recursive: true, force: true });
  return { digest, files: files.length, bytes, from: 'destination' };
}

function notEmpty({ destination }: Workplace): FetchError {
  return new FetchError(
    'DestinationNotEmpty',
    `${destination} holds other files than the source; --replace puts those of the source in their place`,
  );
}

type Brought = Gathered & { readonly from: 'source' | 'cache' };

/** Fills `tree` of the workplace. */
async function bring(place: Workplace, request: FetchRequest, context: Context): Promise<Brought> {
  const { cache, digest } = request;
  if (cache === undefined) return { ...(await gather(place.folder, request, context)), from: 'source' };
  const tree = join(place.folder, 'tree');
  const hit = digest === undefined ? undefined : await takeFromCache(cache.folder, digest, tree);
  if (digest !== undefined && hit !== undefined) return { digest, records: hit, from: 'cache' };

  const work = workPath(cache.folder, cache.key);
  return withLock(`${work}.lock`, context, async (signal) => {
    // Whoever held the lock before may have brought it.
    const now = digest === undefined ? undefined : await takeFromCache(cache.folder, digest, tree);
    if (digest !== undefined && now !== undefined) return { digest, records: now, from: 'cache' };
    const gathered = await gather(work, request, { ...context, signal });
    await addToCache(cache.folder, gathered.digest, join(work, 'tree'), gathered.records);
    await rm(work, { recursive: true, force: true });
    await tidyCache(cache.folder, cache.maxBytes, gathered.digest);
    const records = await takeFromCache(cache.folder, gathered.digest, tree);
    if (records !== undefined) return { digest: gathered.digest, records, from: 'source' };
    throw new FetchError('SourceUnreachable', 'The cache lost what was just put there; try again', { again: true });
  });
}
