/** Why a fetch ends, as a word that a program can act on. They become reasons of conditions, so they are API. */
export type FetchReason =
  | 'RequestInvalid'
  | 'FileNotFound'
  | 'BucketNotFound'
  | 'AccessDenied'
  | 'CredentialsMissing'
  | 'RegionWrong'
  | 'TlsFailed'
  | 'RedirectRefused'
  | 'SourceRefused'
  | 'SourceUnreachable'
  | 'SourceChanged'
  | 'DigestMismatch'
  | 'PathUnsafe'
  | 'LinkRefused'
  | 'ArchiveInvalid'
  | 'ArchiveBomb'
  | 'TooLarge'
  | 'TooManyFiles'
  | 'DestinationNotEmpty'
  | 'VolumeNotWritable'
  | 'VolumeFull'
  | 'LockLost';

export interface FailureOptions extends ErrorOptions {
  /** The same request may succeed later. */
  readonly again?: boolean;
  /** The source asked for this pause. */
  readonly afterMs?: number | undefined;
}

/** A fetch that ended, in a sentence that says what to do. It holds no credentials and no query of a URL. */
export class FetchError extends Error {
  override name = 'FetchError';
  readonly reason: FetchReason;
  readonly again: boolean;
  readonly afterMs: number | undefined;

  constructor(reason: FetchReason, message: string, { again = false, afterMs, ...options }: FailureOptions = {}) {
    super(message, options);
    this.reason = reason;
    this.again = again;
    this.afterMs = afterMs;
  }
}

/** What the file system says, as what a person can act on; anything else as it is. */
export function diskFailure(cause: unknown): unknown {
  const { code, path } = cause as NodeJS.ErrnoException;
  const where = path === undefined ? 'the volume' : path;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new FetchError('VolumeFull', `No space is left for ${where}; make the volume larger`, { cause });
  }
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    const message = `User ${process.getuid?.()} may not use ${where}; the volume has to allow that`;
    return new FetchError('VolumeNotWritable', message, { cause });
  }
  return cause;
}
