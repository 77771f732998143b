/** A request at one pod, whichever protocol it is sent by. */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import type { Endpoint } from '../../routing/endpoint-pool.ts';

/** A pod that takes longer to take a connection is not there, in milliseconds. */
export const CONNECT_MS = 1000;

export interface UpstreamRequest {
  readonly endpoint: Endpoint;
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly fields: readonly HeaderField[];
  /** How the end of its body is told: by `content-length` among the fields, or by chunks; `none`: it has no body. */
  readonly body: 'none' | 'length' | 'chunks';
  /** A connection broke with it: others that were kept to a server that died are dead, too, and nobody knows it yet. */
  readonly isRepeated?: boolean;
}

export interface AnswerHead {
  readonly status: number;
  /** Without pseudo-fields; names in small letters. */
  readonly fields: readonly HeaderField[];
  /** This is all of the answer. */
  readonly isLast: boolean;
}

export type UpstreamFailure =
  /** No connection could be made. */
  | 'unconnected'
  /** The server did not take the request, and has done nothing with it. */
  | 'refused'
  /** There is a connection, but it has no room for another request. */
  | 'full'
  /** The connection, or the server, broke it off; nobody knows how much of it was done. */
  | 'broken';

/** What happens to it. Never called before `open` has returned, and never after `cancel`. */
export interface UpstreamEvents {
  answered(head: AnswerHead): void;
  data(chunk: Buffer): void;
  /** The answer is complete. Nothing follows. */
  ended(trailers: readonly HeaderField[]): void;
  /** Nothing follows. */
  failed(failure: UpstreamFailure): void;
  /** What was written is sent. */
  drained(): void;
}

export interface UpstreamCall {
  /** False when the server is slow: `drained` follows. */
  write(chunk: Uint8Array): boolean;
  /** The request is complete. */
  end(): void;
  /** Holds the server back: until `resume`, no more of its answer is told than a window of flow control. */
  pause(): void;
  resume(): void;
  /** Gives it up. */
  cancel(): void;
}

export interface Upstream {
  open(request: UpstreamRequest, events: UpstreamEvents): UpstreamCall;
  /** Closes all connections. */
  close(): void;
}
