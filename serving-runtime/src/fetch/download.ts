import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { constants, open, readFile, rm, writeFile } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileRecord } from '@slipway/crds/digest';
import { diskFailure, FetchError } from './failure.ts';
import { checkBytes } from './limits.ts';
import type { Limits } from './limits.ts';
import { withRetries } from './retry.ts';
import type { Retry } from './retry.ts';
import { changed } from './sources/network-failure.ts';
import type { Opened, Source, SourceFile } from './sources/source.ts';

export interface Download {
  readonly source: Source;
  readonly retry: Retry;
  readonly limits: Limits;
  /** Bytes that came, or, below zero, that were given up. */
  readonly onBytes: (bytes: number) => void;
}

/** What is there of a file, and of which version it is; beside the bytes as `<part>.json`. */
interface Part {
  readonly file: FileHandle;
  readonly path: string;
  hash: Hash;
  length: number;
  version: string | undefined;
  size: number | undefined;
}

/** Fetches one file into `path`, going on from what an earlier try, also of another process, has left there. */
export async function download(file: SourceFile, path: string, options: Download): Promise<Omit<FileRecord, 'path'>> {
  const part = await openPart(path, file).catch((cause: unknown) => Promise.reject(diskFailure(cause)));
  let best = part.length;
  options.onBytes(part.length);
  try {
    const progress = () => (best = Math.max(best, part.length));
    await withRetries(() => attempt(part, file, options), progress, options.retry);
    await part.file.sync();
    return { size: part.length, sha256: part.hash.digest('hex') };
  } catch (cause) {
    if (cause instanceof FetchError && cause.reason === 'SourceChanged') await forget(part);
    throw diskFailure(cause);
  } finally {
    await part.file.close();
  }
}

async function attempt(part: Part, file: SourceFile, { source, retry: { signal }, limits, onBytes }: Download) {
  if (part.size !== undefined && part.length === part.size) return;
  const opened = await source.open(file, { offset: part.length, version: part.version }, signal);
  if (file.version !== undefined && opened.version !== file.version) throw changed(file.name);
  if (opened.size !== undefined) checkBytes(opened.size, limits);
  await begin(part, opened, onBytes);
  for await (const chunk of opened.body) {
    signal.throwIfAborted();
    checkBytes(part.length + chunk.length, limits);
    await part.file.write(chunk, 0, chunk.length, part.length);
    part.hash.update(chunk);
    part.length += chunk.length;
    onBytes(chunk.length);
    if (part.size !== undefined && part.length > part.size) throw changed(file.name);
  }
  if (part.size === undefined || part.length === part.size) return;
  throw new FetchError(
    'SourceUnreachable',
    `The connection for ${file.name} ended after ${part.length} of ${part.size} bytes`,
    { again: true },
  );
}

/** Empties the part unless the bytes that come continue it. */
async function begin(part: Part, { offset, size, version }: Opened, onBytes: (bytes: number) => void): Promise<void> {
  const continues = offset === part.length && (offset === 0 || (version !== undefined && version === part.version));
  if (offset > 0 && !continues) throw changed('The file');
  if (!continues) {
    onBytes(-part.length);
    await part.file.truncate();
    part.length = 0;
    part.hash = createHash('sha256');
  }
  part.size = size;
  part.version = version;
  if (part.length === 0) await writeFile(`${part.path}.json`, JSON.stringify({ size, version }));
}

async function openPart(path: string, { size, version }: SourceFile): Promise<Part> {
  const told = await readFile(`${path}.json`, 'utf8').catch(() => '{}');
  const known = parsed(told);
  const usable = known.version !== undefined && (version === undefined || known.version === version);
  if (!usable) await rm(path, { force: true });
  const hash = createHash('sha256');
  let length = 0;
  const file = await open(path, constants.O_RDWR | constants.O_CREAT);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    length += chunk.length;
  }
  return { file, path, hash, length, version: usable ? known.version : version, size: usable ? known.size : size };
}

function parsed(text: string): { size?: number; version?: string } {
  try {
    return JSON.parse(text) as { size?: number; version?: string };
  } catch {
    return {};
  }
}

async function forget({ path, file }: Part): Promise<void> {
  await file.truncate();
  await rm(`${path}.json`, { force: true });
}

/** Where the bytes of a file are collected: under the digest of its name, which is always a safe one. */
export function partPath(folder: string, file: SourceFile): string {
  return join(folder, createHash('sha256').update(file.id).digest('hex').slice(0, 32));
}
