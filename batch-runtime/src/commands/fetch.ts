import { rm, stat } from 'node:fs/promises';
import type { FetchRequest, FetchResult } from '@slipway/crds/batch';
import { BatchError } from '../failure.ts';
import { copyInto } from '../files/copy.ts';
import { digestOf } from '@slipway/crds/digest';
import { pathInStore } from '../files/store-path.ts';
import { join, basename } from 'node:path';

/** Brings files from Stores into a pod. What has a digest is checked after it was copied, so that what is used is what was checked. */
export async function fetchFiles({ items }: FetchRequest): Promise<FetchResult> {
  let files = 0;
  let bytes = 0;
  for (const { from, to, digest } of items) {
    const copied = await copyInto(from, to);
    if (digest !== undefined) await checkDigest({ from, to, digest });
    files += copied.files;
    bytes += copied.bytes;
  }
  return { ok: true, files, bytes };
}

async function checkDigest({ from, to, digest }: { from: string; to: string; digest: string }): Promise<void> {
  const copy = (await stat(from)).isDirectory() ? to : join(to, basename(from));
  const { digest: actual } = await digestOf(copy);
  if (actual === digest) return;
  await rm(copy, { recursive: true, force: true });
  throw digestMismatch(from, digest, actual);
}

export function digestMismatch(path: string, expected: string, actual: string): BatchError {
  return new BatchError(
    'DigestMismatch',
    `${pathInStore(path)} has the digest ${actual}, not ${expected}: the bytes are not those that were named; put the right ones there, or name these`,
  );
}
