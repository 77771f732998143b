/** Copies files without following links, hashing what is copied on the way. */
import { createHash } from 'node:crypto';
import { constants, mkdirSync, openSync, closeSync, readSync, writeSync, fsyncSync, fstatSync } from 'node:fs';
import { dirname } from 'node:path';
import { BatchError, errorCode, readFailure, writeFailure } from '../failure.ts';
import type { FileEntry } from '../digest.ts';

const CHUNK = 1 << 20;

function openSource(from: string): number {
  try {
    // O_NONBLOCK: a pipe that appeared under this name must not hang us.
    const handle = openSync(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (fstatSync(handle).isFile()) return handle;
    closeSync(handle);
  } catch (cause) {
    if (errorCode(cause) !== 'ELOOP') throw readFailure(cause, from);
  }
  throw new BatchError('FileNotReadable', `${from} is not a regular file; links are not followed.`);
}

function openTarget(to: string): number {
  try {
    mkdirSync(dirname(to), { recursive: true });
    return openSync(to, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o644);
  } catch (cause) {
    throw writeFailure(cause, to);
  }
}

function writeAll(handle: number, bytes: Uint8Array, to: string): void {
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(handle, bytes, done);
  } catch (cause) {
    throw writeFailure(cause, to);
  }
}

/**
 * Copies one regular file, making folders as needed and flushing it to the disk.
 * @returns size and sha256 of the bytes that were written, under the name `path`.
 * @throws BatchError `FileNotFound`, `FileNotReadable`, `StoreNotWritable`, `StoreFull`.
 */
export function copyFile(from: string, to: string, path: string): FileEntry {
  const source = openSource(from);
  try {
    const target = openTarget(to);
    try {
      const hash = createHash('sha256');
      const buffer = Buffer.allocUnsafe(CHUNK);
      let size = 0;
      for (let read = readSync(source, buffer); read > 0; read = readSync(source, buffer)) {
        const bytes = buffer.subarray(0, read);
        hash.update(bytes);
        writeAll(target, bytes, to);
        size += read;
      }
      fsyncSync(target);
      return { path, size, sha256: hash.digest('hex') };
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}
