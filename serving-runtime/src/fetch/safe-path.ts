import { FetchError } from './failure.ts';

const MAX_PATH_BYTES = 1024;
const MAX_NAME_BYTES = 255;
const MAX_DEPTH = 32;

/**
 * A name from a bucket or an archive as a path that stays below the folder it is joined to. What is odd is refused, not mended:
 * a mended name could fall on another file. @throws {FetchError} PathUnsafe
 */
export function safePath(name: string): string {
  const parts = name.split('/');
  const wrong =
    ambiguous(name) ??
    tooLong(name, parts) ??
    (parts.some((part) => part === '' || part === '.' || part === '..') ? 'leads out of its folder' : undefined);
  if (wrong === undefined) return name;
  throw new FetchError(
    'PathUnsafe',
    `The source has a file whose path ${wrong}: ${JSON.stringify(name.slice(0, 200))}`,
  );
}

function ambiguous(name: string): string | undefined {
  // Others read a backslash as a separator, and end a name at a NUL.
  // oxlint-disable-next-line no-control-regex
  return /[\\\u0000-\u001f\u007f]/.test(name) || !name.isWellFormed()
    ? 'has a character that is no part of a name'
    : undefined;
}

function tooLong(name: string, parts: readonly string[]): string | undefined {
  const long =
    Buffer.byteLength(name) > MAX_PATH_BYTES || parts.some((part) => Buffer.byteLength(part) > MAX_NAME_BYTES);
  return long || parts.length > MAX_DEPTH ? 'is too long or too deep' : undefined;
}

/** Takes the paths of one tree, one by one, and refuses what would fall on a file or folder that is there already. */
export function pathCollector(): (name: string) => string {
  const files = new Set<string>();
  const folders = new Set<string>();
  return (name) => {
    const path = safePath(name);
    const parents = path
      .split('/')
      .map((_, index, parts) => parts.slice(0, index).join('/'))
      .slice(1);
    if (files.has(path) || folders.has(path) || parents.some((parent) => files.has(parent))) {
      throw new FetchError('PathUnsafe', `The source has two things at one path: ${JSON.stringify(path)}`);
    }
    files.add(path);
    for (const parent of parents) folders.add(parent);
    return path;
  };
}
