import type { BatchReason } from '@slipway/crds/batch';

/** Something that a person has to put right; ends the command with exit code 3. Anything else that is thrown may be retried. */
export class BatchError extends Error {
  override name = 'BatchError';
  /** Becomes a condition's reason, so it is part of the API. */
  readonly reason: BatchReason;

  constructor(reason: BatchReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** The `code` of a system error (`ENOENT`, `EACCES`, …), if it is one. */
export function errorCode(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('code' in cause)) return undefined;
  return typeof cause.code === 'string' ? cause.code : undefined;
}

/** The message of anything that was thrown. */
export function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

const NO_SPACE = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const NO_RIGHT = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * What a person reads when writing to `path` failed: `StoreFull` or `StoreNotWritable`.
 * Other errors (EIO, ESTALE of a network volume, …) come back as they are, since trying again may help.
 */
export function writeFailure(cause: unknown, path: string): unknown {
  const code = errorCode(cause) ?? '';
  if (NO_SPACE.has(code)) {
    return new BatchError(
      'StoreFull',
      `No space is left to write ${path}. Make the volume larger or remove what is not needed.`,
      { cause },
    );
  }
  if (NO_RIGHT.has(code)) {
    return new BatchError(
      'StoreNotWritable',
      `${path} cannot be written (${code}). Slipway writes as user and group 65532: give that group write access to the volume, and make sure that it is not mounted read-only.`,
      { cause },
    );
  }
  if (code === 'ENOTDIR') {
    return new BatchError('StoreNotWritable', `${path} cannot be written: a file is where a folder has to be.`, {
      cause,
    });
  }
  return cause;
}

/** What a person reads when reading `path` failed: `FileNotFound` or `FileNotReadable`; other errors come back as they are. */
export function readFailure(cause: unknown, path: string): unknown {
  const code = errorCode(cause) ?? '';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new BatchError('FileNotFound', `There is no ${path}.`, { cause });
  }
  if (NO_RIGHT.has(code)) {
    return new BatchError(
      'FileNotReadable',
      `${path} cannot be read (${code}). Slipway reads as user and group 65532: give that group read access.`,
      { cause },
    );
  }
  return cause;
}
