/**
 * The digest by which the bytes of a model or a dataset are known everywhere: whoever makes, verifies or fetches them takes it
 * from here. Loads nothing but Node itself.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

export interface FileRecord {
  /** Relative to the folder, with `/`. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
}

export interface Digested {
  readonly digest: string;
  readonly files: readonly FileRecord[];
  readonly bytes: number;
}

/**
 * The digest of a file or of all regular files below a folder: sha256 over the lines `<sha256>  <size>  <path>\n`, sorted by
 * the bytes of the path; for a single file the path is its base name. What is below a name of `except` is left out.
 */
export async function digestOf(path: string, except: ReadonlySet<string> = new Set()): Promise<Digested> {
  const root = await stat(path);
  const all = root.isDirectory() ? await regularFiles(path) : [basename(path)];
  const names = all.filter((name) => !except.has(name.split('/')[0] ?? ''));
  const folder = root.isDirectory() ? path : join(path, '..');
  const files: FileRecord[] = [];
  for (const name of names) files.push(await recordOf(folder, name));
  return { digest: digestOfRecords(files), files, bytes: files.reduce((sum, file) => sum + file.size, 0) };
}

export function digestOfRecords(files: readonly FileRecord[]): string {
  const sorted = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  const lines = sorted.map(({ sha256, size, path }) => `${sha256}  ${size}  ${path}\n`);
  return `sha256:${createHash('sha256').update(lines.join('')).digest('hex')}`;
}

export async function recordOf(folder: string, path: string): Promise<FileRecord> {
  const hash = createHash('sha256');
  let size = 0;
  await pipeline(createReadStream(join(folder, path)), async (chunks: AsyncIterable<Buffer>) => {
    for await (const chunk of chunks) {
      size += chunk.length;
      hash.update(chunk);
    }
  });
  return { path, size, sha256: hash.digest('hex') };
}

/** Paths of regular files below a folder; links are left out, since they may lead anywhere. */
export async function regularFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const prefix = join(folder, '/');
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(prefix.length));
}
