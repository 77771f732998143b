import { isAbsolute } from 'node:path';
import { FetchError } from './failure.ts';

export type SourceUrl =
  | { readonly scheme: 's3' | 'gs'; readonly bucket: string; readonly key: string }
  | { readonly scheme: 'https'; readonly url: URL }
  | { readonly scheme: 'local'; readonly path: string };

/** @throws {FetchError} RequestInvalid, whose message never repeats what may hold a secret */
export function parseSource(given: string, pvcRoot: string): SourceUrl {
  if (isAbsolute(given)) return { scheme: 'local', path: given };
  const [, scheme = '', rest = ''] = /^([a-z0-9]+):\/\/(.*)$/s.exec(given) ?? [];
  switch (scheme) {
    case 'https':
    case 'http':
      return { scheme: 'https', url: webAddress(given) };
    case 'file':
      return { scheme: 'local', path: localPath(rest) };
    case 'pvc':
      return { scheme: 'local', path: localPath(`${pvcRoot}/${inBucket(rest).bucket}/${inBucket(rest).key}`) };
    case 's3':
    case 'gs':
      return { scheme, ...inBucket(rest) };
    default:
      throw invalidSource('it begins with none of s3://, gs://, https://, pvc://, file://');
  }
}

function inBucket(rest: string): { readonly bucket: string; readonly key: string } {
  const [, bucket = '', key = ''] = /^([^/]*)\/?(.*)$/s.exec(rest) ?? [];
  if (bucket !== '' && bucket !== '.' && bucket !== '..') return { bucket, key };
  throw invalidSource('it names no bucket or claim');
}

function webAddress(given: string): URL {
  const url = URL.parse(given);
  if (url === null) throw invalidSource('it is no valid address');
  if (url.username === '' && url.password === '') return url;
  throw invalidSource('it holds a user or a password, which everyone sees who may see the pod: give --basic-file');
}

function localPath(path: string): string {
  if (!isAbsolute(path)) throw invalidSource('a file needs an absolute path: file:///models/fare');
  if (path.split('/').includes('..')) throw invalidSource('its path has ".." in it');
  return path.replace(/(?<=.)\/+$/, '');
}

export function invalidSource(why: string): FetchError {
  return new FetchError('RequestInvalid', `The source cannot be fetched: ${why}`);
}
