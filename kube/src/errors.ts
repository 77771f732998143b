export type Retry = 'backoff' | 'waitForEvent' | 'waitForSpecChange';

/** An error that knows its condition reason and what the runtime does next. */
export abstract class OperatorError extends Error {
  /** PascalCase; the condition reason and the metric label. Part of the API. */
  abstract readonly reason: string;
  /** Decided by the class, never by the catcher. */
  abstract readonly retry: Retry;
}

/** Network, 5xx, 409, 429: nothing that a person can do; tried again with a growing delay. */
export class TransientError extends OperatorError {
  override name = 'TransientError';
  readonly reason: string;
  readonly retry = 'backoff';
  /** Set when the server said when to come back. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: string, message: string, options?: ErrorOptions & { retryAfterMs?: number | undefined }) {
    super(message, options);
    this.reason = reason;
    this.retryAfterMs = options?.retryAfterMs;
  }
}

/** A precondition is missing, and a watch will tell when it is there. */
export class BlockedError extends OperatorError {
  override name = 'BlockedError';
  readonly reason: string;
  readonly retry = 'waitForEvent';

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Only the author can fix it, by changing the spec. */
export class InvalidSpecError extends OperatorError {
  override name = 'InvalidSpecError';
  readonly reason: string;
  readonly retry = 'waitForSpecChange';

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

/** Anything that nobody foresaw, a bug of ours: tried again, logged with its stack, shown as InternalError. */
export class UnexpectedError extends OperatorError {
  override name = 'UnexpectedError';
  readonly reason = 'InternalError';
  readonly retry = 'backoff';
}

/** The `Status` object with which the API server answers a request that it refuses. */
export interface Status {
  readonly code: number;
  /** PascalCase: NotFound, Conflict, AlreadyExists, Invalid, Expired …; empty when the answer was no Status. */
  readonly reason: string;
  readonly message: string;
  readonly details?: {
    readonly kind?: string;
    readonly name?: string;
    readonly retryAfterSeconds?: number;
    readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  };
}

/** Any answer of the API server that is not 2xx. `toOperatorError` maps it into the taxonomy. */
export class KubeApiError extends Error {
  override name = 'KubeApiError';
  readonly status: Status;
  readonly retryAfterMs: number | undefined;

  constructor(status: Status, options?: ErrorOptions & { retryAfterMs?: number | undefined }) {
    super(status.message, options);
    this.status = status;
    this.retryAfterMs = options?.retryAfterMs;
  }

  get isNotFound(): boolean {
    return this.status.code === 404;
  }
  /**
   * 409 for whatever reason: a stale version, a field of another manager, a name that is taken. Also the 422 with which
   * an apply is refused whose `metadata.uid` is that of a deleted namesake.
   */
  get isConflict(): boolean {
    const { code, details } = this.status;
    return code === 409 || (code === 422 && (details?.causes ?? []).some(({ field }) => field === 'metadata.uid'));
  }
  get isAlreadyExists(): boolean {
    return this.status.code === 409 && this.status.reason === 'AlreadyExists';
  }
  /** The resource version is too old to list or watch from. */
  get isGone(): boolean {
    return this.status.code === 410 || this.status.reason === 'Expired' || this.status.reason === 'Gone';
  }
}

/** How long the server asked to be left alone, in milliseconds; 0 when it did not say. */
export function retryAfterOf(error: unknown): number {
  return error instanceof KubeApiError || error instanceof TransientError ? (error.retryAfterMs ?? 0) : 0;
}

/** undefined instead of a NotFound; every other rejection passes. */
export async function ignoreNotFound<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (cause) {
    if (cause instanceof KubeApiError && cause.isNotFound) return undefined;
    throw cause;
  }
}

/**
 * Any thrown value as an OperatorError; one that is already one passes unchanged, and the cause is always kept.
 *
 * Messages that go into conditions must be stable, so those of an API error come from the Status, never from headers.
 * A 404 is transient: we asked for something that our caches had, or wrote into a namespace that is going.
 */
export function toOperatorError(cause: unknown): OperatorError {
  if (cause instanceof OperatorError) return cause;
  if (cause instanceof KubeApiError) return apiErrorToOperatorError(cause);
  const message = cause instanceof Error ? cause.message : String(cause);
  return new UnexpectedError(message, { cause });
}

function apiErrorToOperatorError(cause: KubeApiError): OperatorError {
  const { code, reason, message } = cause.status;
  if (code === 403 && /exceeded quota/.test(message)) return new TransientError('QuotaExceeded', message, { cause });
  if (code === 403) return new TransientError('Forbidden', message, { cause });
  if (cause.isConflict) return new TransientError('Conflict', message, { cause, retryAfterMs: cause.retryAfterMs });
  if (code === 400 || code === 422) return new InvalidSpecError(reason || 'Invalid', message, { cause });
  return new TransientError(reason || 'ApiError', message, { cause, retryAfterMs: cause.retryAfterMs });
}
