/** Every way in which a request can fail, in one table, the same over all protocols. */

interface Meaning {
  readonly http: number;
  /** https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
  readonly grpc: number;
}

export const ERROR_CODES = {
  InvalidArgument: { http: 400, grpc: 3 },
  Unauthenticated: { http: 401, grpc: 16 },
  PermissionDenied: { http: 403, grpc: 7 },
  NotFound: { http: 404, grpc: 5 },
  MethodNotAllowed: { http: 405, grpc: 12 },
  /** 499 is nginx's, for what nobody reads any more. */
  Cancelled: { http: 499, grpc: 1 },
  DeadlineExceeded: { http: 504, grpc: 4 },
  TooLarge: { http: 413, grpc: 8 },
  Unimplemented: { http: 501, grpc: 12 },
  Unavailable: { http: 503, grpc: 14 },
  Internal: { http: 500, grpc: 13 },
} as const satisfies Record<string, Meaning>;
export type ErrorCode = keyof typeof ERROR_CODES;

/** By their number. */
export const GRPC_STATUS_NAMES: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** Longer texts overflow the headers that carry them in gRPC, and the client would see another error. */
const MAX_MESSAGE_LENGTH = 500;

/** What a client is told. Its message never holds paths, stacks or the words of a library. */
export class RequestError extends Error {
  override name = 'RequestError';
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string) {
    super(message.length > MAX_MESSAGE_LENGTH ? `${message.slice(0, MAX_MESSAGE_LENGTH - 1)}…` : message);
    this.code = code;
  }
}

/** The model, or what it runs in, is to blame: the request came all the way. */
export class ModelFailure extends RequestError {
  override name = 'ModelFailure';
}

export function invalid(message: string): RequestError {
  return new RequestError('InvalidArgument', message);
}

/** Anything that was thrown, as what a client may be told; an unexpected cause becomes a sentence without details. */
export function toRequestError(cause: unknown): RequestError {
  return cause instanceof RequestError
    ? cause
    : new RequestError('Internal', 'internal error; the log of the server says more');
}

/** A piece of a client's input, short enough to be repeated in an error. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 63)}…` : text);
}
