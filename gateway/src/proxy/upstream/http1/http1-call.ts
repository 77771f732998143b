/** One request and its answer over a connection that it has for itself. */
import type { Socket } from 'node:net';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import type { UpstreamCall, UpstreamEvents, UpstreamRequest } from '../upstream.ts';
import { AnswerParser, MalformedAnswer } from './answer-parser.ts';
import type { AnswerEvents } from './answer-parser.ts';
import { requestText } from './request-text.ts';

/** Bytes that may wait for a server that is slow. */
const MAX_UNSENT_BYTES = 64 * 1024;
/** To copy less costs less than to hand over in pieces. */
const MAX_COPIED_BYTES = 16 * 1024;
const CRLF = Buffer.from('\r\n');
const LAST_CHUNK = Buffer.from('0\r\n\r\n');

/** What a call needs of its connection. */
export interface CallOwner {
  readonly socket: Socket;
  readonly isConnected: boolean;
  /** The exchange is complete, and the connection as good as before for so long; undefined: the server does not say. */
  release(keptMs: number | undefined): void;
}

export class Http1Call implements UpstreamCall, AnswerEvents {
  readonly #owner: CallOwner;
  readonly #socket: Socket;
  readonly #events: UpstreamEvents;
  readonly #parser: AnswerParser;
  readonly #isChunked: boolean;
  /** What goes out with the end, or at the end of this turn of the event loop. */
  #unsent: Buffer[];
  #unsentBytes: number;
  #isAnswered = false;
  #isSent = false;
  #isHeldBack = false;
  #isOver = false;

  /** @throws {TypeError} when a field holds characters that none may hold. */
  constructor(owner: CallOwner, request: UpstreamRequest, events: UpstreamEvents) {
    const head = Buffer.from(requestText(request), 'latin1');
    this.#owner = owner;
    this.#socket = owner.socket;
    this.#events = events;
    this.#parser = new AnswerParser(this, request.method === 'HEAD');
    this.#isChunked = request.body === 'chunks';
    this.#unsent = [head];
    this.#unsentBytes = head.length;
    setImmediate(() => this.#flush());
  }

  // ---- what is sent

  write(chunk: Uint8Array): boolean {
    if (this.#isOver || chunk.length === 0) return true;
    if (this.#unsent.length === 0) setImmediate(() => this.#flush());
    if (this.#isChunked) this.#push(Buffer.from(`${chunk.length.toString(16)}\r\n`, 'latin1'));
    this.#push(chunk);
    if (this.#isChunked) this.#push(CRLF);
    this.#isHeldBack = this.#socket.writableLength + this.#unsentBytes > MAX_UNSENT_BYTES;
    return !this.#isHeldBack;
  }

  end(): void {
    if (this.#isOver || this.#isSent) return;
    if (this.#isChunked) this.#push(LAST_CHUNK);
    this.#isSent = true;
    this.#flush();
  }

  #push(bytes: Uint8Array): void {
    this.#unsent.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    this.#unsentBytes += bytes.length;
  }

  #flush(): void {
    if (this.#isOver || this.#unsent.length === 0) return;
    const unsent = this.#unsent;
    this.#unsent = [];
    const isSmall = this.#unsentBytes <= MAX_COPIED_BYTES;
    this.#socket.cork();
    for (const bytes of isSmall ? [Buffer.concat(unsent, this.#unsentBytes)] : unsent) this.#socket.write(bytes);
    this.#socket.uncork();
    this.#unsentBytes = 0;
    if (!this.#socket.writableNeedDrain) this.sent();
  }

  /** What was written is sent. */
  sent(): void {
    if (!this.#isHeldBack || this.#isOver) return;
    this.#isHeldBack = false;
    this.#events.drained();
  }

  // ---- what arrives

  read(chunk: Buffer): void {
    try {
      this.#parser.read(chunk);
    } catch (cause) {
      if (!(cause instanceof MalformedAnswer)) throw cause;
      this.closed();
      this.#socket.destroy();
    }
  }

  answered(status: number, fields: readonly HeaderField[]): void {
    this.#isAnswered = true;
    this.#events.answered({ status, fields, isLast: false });
  }

  data(chunk: Buffer): void {
    this.#events.data(chunk);
  }

  ended(trailers: readonly HeaderField[]): void {
    this.#isOver = true;
    // Whether it keeps alive is known when all that came with the end was looked at.
    queueMicrotask(() => this.#leave());
    this.#events.ended(trailers);
  }

  /** The server sends nothing more. */
  finished(): void {
    this.#parser.finish();
    this.closed();
    this.#socket.destroy();
  }

  closed(): void {
    if (this.#isOver) return;
    this.#stop();
    this.#events.failed(this.#owner.isConnected || this.#isAnswered ? 'broken' : 'unconnected');
  }

  /** Where both sides are complete, the connection is as good as before. */
  #leave(): void {
    const isWhole = this.#isSent && this.#socket.writableLength === 0;
    if (isWhole && this.#parser.keepsAlive && !this.#socket.destroyed) this.#owner.release(this.#parser.keptMs);
    else this.#socket.destroy();
  }

  // ---- what whoever asked does

  pause(): void {
    if (!this.#isOver) this.#socket.pause();
  }

  resume(): void {
    if (!this.#isOver) this.#socket.resume();
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#stop();
    this.#socket.destroy();
  }

  #stop(): void {
    this.#isOver = true;
    this.#parser.stop();
    this.#unsent = [];
  }
}
