/** What a method is, whatever it is served with. */
import type { Cancellation } from '../../engine/cancellation.ts';
import type { Patience } from '../../server/infer.ts';

/** A call as a method sees it. */
export interface Call extends Patience {
  readonly timeoutMs: number | undefined;
  /** Aborted when the client has gone or its deadline has passed. */
  readonly signal: Cancellation;
  /** The value that the client gave in its metadata. */
  metadata(name: string): string | undefined;
}

export interface StreamingCall extends Call {
  readonly signal: AbortSignal;
  /** Resolves when the client has room for more. */
  send(message: object): Promise<void>;
}

export type UnaryMethod = (request: never, call: Call) => object | Promise<object>;
/** It has answered when the promise resolves; when it rejects, that ends the call. */
export type StreamingMethod = (requests: AsyncIterable<never>, call: StreamingCall) => Promise<void>;

export interface Codec {
  /** Of one request, before and after decompression, where it is less than the server takes at all. */
  readonly maxMessageBytes?: number;
  decode(bytes: Buffer): unknown;
  /** With the prefix of gRPC: a zero byte, and four of length. */
  encode(message: object): Buffer;
}

export type Rpc = Codec &
  (
    | { readonly kind: 'unary'; readonly method: UnaryMethod }
    | { readonly kind: 'streaming'; readonly method: StreamingMethod }
  );

/** By path: `/package.Service/Method`. */
export type Rpcs = ReadonlyMap<string, Rpc>;
