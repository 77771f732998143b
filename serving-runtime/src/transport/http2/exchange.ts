/** One request and its answer, and who serves them: the same for our own HTTP/2 and for Node's. */
import type { Socket } from 'node:net';
import type { Peer } from '../peer.ts';
import type { HeaderField } from './header-field.ts';

export interface RequestHead {
  readonly method: string;
  readonly path: string;
  /** `:authority`; undefined where the client gave none. */
  readonly authority: string | undefined;
  /** Without the pseudo-fields, in the order in which they came. */
  readonly fields: readonly HeaderField[];
}

export interface Exchange {
  readonly request: RequestHead;
  readonly peer: Peer;
  /** The client may not send more than a window ahead of what was taken: bytes of `data` that hold no memory any more. */
  consumed(bytes: number): void;
  /** The head of the answer; names in small letters, `:status` first. With `isLast` it is all of the answer. */
  respond(fields: readonly HeaderField[], isLast?: boolean): void;
  /** False when the client is slow: `drained` follows. What is written must not be changed afterwards. */
  write(data: Uint8Array): boolean;
  end(trailers?: readonly HeaderField[]): void;
  /** Breaks it off with a code of HTTP/2. */
  reset(code: number): void;
}

/** What happens to an exchange after its head has arrived. */
export interface ExchangeEvents {
  data(chunk: Buffer): void;
  /** The request is complete. */
  end(): void;
  /** The client has gone, or gave this request up; nothing follows. `end` or `reset` says that the work has stopped. */
  aborted(): void;
  drained(): void;
}

export type RequestListener = (exchange: Exchange) => ExchangeEvents;

export interface Http2Listener {
  /** Serves a socket of which nothing was read yet. */
  take(socket: Socket): void;
  /** Tells all clients to go elsewhere with new requests; resolves when what they had asked is answered and they have gone. */
  drain(): Promise<void>;
  /** Breaks off what there is. */
  close(): void;
}
