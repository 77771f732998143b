/** Finds the files that a path with `*`, `?` and `**` means, and none outside the folder it starts from. */
import { lstatSync, readdirSync, realpathSync, statSync } from 'node:fs';
import type { Dirent } from 'node:fs';
import { BatchError, readFailure } from '../failure.ts';

export interface SourceFile {
  /** The real path, all links resolved. */
  readonly real: string;
  /** As people know it: relative to the Store's path. */
  readonly name: string;
  readonly size: number;
}

const MAX_FILES = 100_000;

function segmentPattern(segment: string): RegExp {
  const escaped = segment.replace(/[.+^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su');
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    const failure = readFailure(cause, folder);
    if (failure instanceof BatchError && failure.reason === 'FileNotFound') return [];
    throw failure;
  }
}

/** Paths below `root` that match, relative. Links to folders are entered by name or `*`, never by `**`, which could go in circles. */
function match(root: string, folder: string, segments: readonly string[], found: string[]): void {
  const [segment, ...rest] = segments;
  if (segment === undefined || found.length > MAX_FILES) return;
  const join = (name: string): string => (folder === '' ? name : `${folder}/${name}`);
  if (segment === '**') {
    match(root, folder, rest.length === 0 ? ['*'] : rest, found);
    for (const entry of entriesOf(`${root}/${folder}`)) {
      if (entry.isDirectory() && !entry.name.startsWith('.')) match(root, join(entry.name), segments, found);
    }
    return;
  }
  const pattern = /[*?]/.test(segment) ? segmentPattern(segment) : undefined;
  const names =
    pattern === undefined
      ? [segment]
      : entriesOf(`${root}/${folder}`)
          .map((entry) => entry.name)
          .filter((name) => !name.startsWith('.') && pattern.test(name));
  for (const name of names) {
    const path = join(name);
    const stat = statSync(`${root}/${path}`, { throwIfNoEntry: false });
    if (rest.length > 0 && stat?.isDirectory() === true) match(root, path, rest, found);
    if (rest.length === 0 && stat?.isFile() === true) found.push(path);
  }
}

function whatThereIs(root: string, segments: readonly string[]): string {
  let folder = '';
  for (const segment of segments) {
    const next = folder === '' ? segment : `${folder}/${segment}`;
    if (/[*?]/.test(segment) || lstatSync(`${root}/${next}`, { throwIfNoEntry: false })?.isDirectory() !== true) break;
    folder = next;
  }
  const names = entriesOf(`${root}/${folder}`)
    .filter((entry) => !entry.name.startsWith('.'))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort();
  const where = folder === '' ? "the Store's folder" : `${folder}/`;
  if (names.length === 0) return `${where} is empty.`;
  const more = names.length > 10 ? ` and ${names.length - 10} more` : '';
  return `${where} holds ${names.slice(0, 10).join(', ')}${more}.`;
}

function realRoot(dir: string): string {
  try {
    return realpathSync(dir);
  } catch (cause) {
    throw readFailure(cause, dir);
  }
}

function checked(root: string, name: string): SourceFile {
  try {
    const real = realpathSync(`${root}/${name}`);
    if (!real.startsWith(`${root}/`)) {
      throw new BatchError(
        'FileNotReadable',
        `${name} is a link that leads out of the Store's folder; only files inside it can be read.`,
      );
    }
    if (/[*?[\]]/.test(real)) {
      throw new BatchError('FileNotReadable', `${name}: file names with *, ?, [ or ] cannot be read. Rename the file.`);
    }
    return { real, name, size: statSync(real).size };
  } catch (cause) {
    throw readFailure(cause, name);
  }
}

/**
 * Lists the files that `path` means below `dir`, sorted by name, links resolved.
 * @throws BatchError `RequestInvalid` for a path that tries to leave, `FileNotFound` (with what there is), `FileNotReadable`.
 */
export function listSourceFiles(dir: string, path: string): SourceFile[] {
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.');
  if (path.startsWith('/') || path.includes('\0') || segments.includes('..') || segments.length === 0) {
    throw new BatchError('RequestInvalid', `The path "${path}" must be relative to the Store, without "..".`);
  }
  const root = realRoot(dir);
  const found: string[] = [];
  match(root, '', segments, found);
  if (found.length === 0) {
    const isFolder = statSync(`${root}/${path}`, { throwIfNoEntry: false })?.isDirectory() === true;
    const hint = isFolder ? ` It is a folder: write ${segments.join('/')}/* to read the files in it.` : '';
    throw new BatchError('FileNotFound', `No file matches "${path}".${hint} ${whatThereIs(root, segments)}`);
  }
  if (found.length > MAX_FILES) {
    throw new BatchError('RequestInvalid', `"${path}" matches more than ${MAX_FILES} files; use fewer, larger ones.`);
  }
  const names = [...new Set(found)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return names.map((name) => checked(root, name));
}
