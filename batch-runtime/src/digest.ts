/**
 * The digest of files: sha256 over the lines `<sha256 of the file>  <size>  <path>\n`, sorted by path as bytes.
 * Paths are relative to the folder, with `/`; for a single file the path is its base name.
 */
import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import { createReadStream } from 'node:fs';
import { listTree } from './files/tree.ts';

export interface FileEntry {
  /** Relative, with `/`. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The digest of files that were hashed before, as `sha256:<hex>`. */
export function digestOf(files: readonly FileEntry[]): string {
  const sorted = files
    .map((file) => ({ ...file, bytes: Buffer.from(file.path) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes));
  const hash = createHash('sha256');
  for (const { sha256, size, path } of sorted) hash.update(`${sha256}  ${size}  ${path}\n`);
  return `sha256:${hash.digest('hex')}`;
}

/** Hashes one file under the name `path`. */
export async function hashFile(file: string, path: string): Promise<FileEntry> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 20 })) {
    const bytes = chunk as Buffer;
    hash.update(bytes);
    size += bytes.length;
  }
  return { path, size, sha256: hash.digest('hex') };
}

/**
 * Hashes a file, or all files of a folder. Links and special files are not followed and do not count.
 * @returns the entries sorted by path, and their digest.
 */
export async function hashPath(path: string): Promise<{ readonly files: FileEntry[]; readonly digest: string }> {
  const tree = listTree(path);
  const files: FileEntry[] = [];
  if (tree.kind === 'file') files.push(await hashFile(path, basename(path)));
  else for (const file of tree.files) files.push(await hashFile(`${path}/${file}`, file));
  return { files, digest: digestOf(files) };
}

/** All bytes of files. */
export function totalBytes(files: readonly FileEntry[]): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}
