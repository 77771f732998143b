import { FetchError } from './failure.ts';

export interface Limits {
  /** All files together, and also an archive before it is unpacked. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** How many bytes one byte of an archive may become. */
  readonly maxRatio: number;
}

/** A few bytes of zeros pack well without being an attack. */
const RATIO_MATTERS_FROM_BYTES = 16 * 1024 * 1024;

export function checkBytes(bytes: number, { maxBytes }: Limits): void {
  if (bytes <= maxBytes) return;
  throw new FetchError('TooLarge', `The source has more than ${maxBytes} bytes; --max-bytes raises the limit`);
}

export function checkFiles(files: number, { maxFiles }: Limits): void {
  if (files <= maxFiles) return;
  throw new FetchError('TooManyFiles', `The source has more than ${maxFiles} files; --max-files raises the limit`);
}

export function checkRatio(unpacked: number, archive: number, { maxRatio }: Limits): void {
  if (unpacked <= RATIO_MATTERS_FROM_BYTES || unpacked <= archive * maxRatio) return;
  throw new FetchError(
    'ArchiveBomb',
    `The archive unpacks to more than ${maxRatio} times its size; if that is right, --max-ratio raises the limit`,
  );
}
