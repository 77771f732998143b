import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { Parser } from 'tar';
import type { ReadEntry } from 'tar';
import { FetchError } from '../failure.ts';
import { checkRatio } from '../limits.ts';
import type { Limits } from '../limits.ts';
import type { TreeWriter } from './tree-writer.ts';

const FILES = new Set(['File', 'OldFile', 'ContiguousFile']);
const FOLDERS = new Set(['Directory', 'GNUDumpDir']);
const LINKS = new Set(['SymbolicLink', 'Link']);

export interface Tar {
  readonly path: string;
  readonly bytes: number;
  readonly packed: boolean;
}

/** Only the parser of the package is used: it reads, and where files go is decided here. */
export async function untar({ path, bytes, packed }: Tar, writer: TreeWriter, limits: Limits): Promise<void> {
  const failed = new AbortController();
  let work = Promise.resolve();
  let current: ReadEntry | undefined;
  const next = async (entry: ReadEntry) => {
    if (failed.signal.aborted) return;
    current = entry;
    await take(entry, writer).catch((cause: unknown) => failed.abort(cause));
    current = undefined;
  };
  const parser = new Parser({ strict: true, onReadEntry: (entry) => (work = work.then(() => next(entry))) });
  // What is between the files and after them counts too: a header can be as large as a bomb.
  let unpacked = 0;
  let ended = false;
  parser.on('eof', () => (ended = true));
  const count = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      unpacked += chunk.length;
      try {
        if (packed) checkRatio(unpacked, bytes, limits);
        done(undefined, ended ? undefined : chunk);
      } catch (cause) {
        done(cause as Error);
      }
    },
  });
  const steps = [createReadStream(path), ...(packed ? [createGunzip()] : []), count];
  await pipeline([...steps, parser as unknown as NodeJS.WritableStream], { signal: failed.signal }).catch(
    (cause: unknown) => {
      failed.abort(cause);
      // Whoever waits for more of it would wait for ever.
      current?.destroy(cause);
    },
  );
  await work;
  failed.signal.throwIfAborted();
}

async function take(entry: ReadEntry, writer: TreeWriter): Promise<void> {
  if (FOLDERS.has(entry.type)) {
    entry.resume();
    return;
  }
  const name = JSON.stringify(entry.path.slice(0, 200));
  if (LINKS.has(entry.type)) {
    throw new FetchError('LinkRefused', `The archive holds a link, ${name}; pack the file that it leads to`);
  }
  if (!FILES.has(entry.type)) {
    throw new FetchError('ArchiveInvalid', `The archive holds ${name}, which is no file but a ${entry.type}`);
  }
  await writer.file(entry.path.replace(/^(\.\/)+/, ''), entry as AsyncIterable<Uint8Array>);
}
