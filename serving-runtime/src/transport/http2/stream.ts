/** One stream: the state of RFC 9113, section 5.1, both of its windows, and what waits to be sent. */
import { ErrorCode } from './errors.ts';
import type { Exchange, ExchangeEvents, RequestListener } from './exchange.ts';
import type { HeaderField } from './header-field.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { Peer } from '../peer.ts';
import type { ReceivedHead } from './request-head.ts';
import type { Sender } from './sender.ts';

/** What a stream needs of its connection. */
export interface StreamOwner {
  readonly sender: Sender<Http2Stream>;
  readonly peer: Peer;
  /** Milliseconds, of a clock that only goes forward. */
  now(): number;
  /** Gives the client so many bytes of its windows back; of the connection's alone when the stream is over. */
  giveBack(stream: Http2Stream, bytes: number): void;
  /** A piece of its answer was sent. */
  dataSent(): void;
  /** Its work has stopped. */
  finished(): void;
  /** Both sides are done with it. */
  closed(stream: Http2Stream, isComplete: boolean): void;
}

export interface StreamWindows {
  readonly send: number;
  readonly receive: number;
}

export class Http2Stream implements Exchange {
  readonly id: number;
  readonly request: ReceivedHead;
  /** What we may still send; less than 0 when the client made its window smaller (section 6.9.2). */
  sendWindow: number;
  readonly receiveWindow: ReceiveWindow;
  /** Milliseconds; 0 while it does not wait. */
  blockedSince = 0;
  /** The client has sent all. */
  isRequestComplete = false;
  readonly #owner: StreamOwner;
  readonly #sender: Sender<Http2Stream>;
  #events: ExchangeEvents | undefined;
  /** What arrived before somebody listens. */
  #early: Buffer[] = [];
  #bodyBytes = 0;
  /** Arrived and not taken. */
  #held = 0;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #trailers: readonly HeaderField[] | undefined;
  #isEnding = false;
  #isStarted = false;
  #isFinished = false;
  #isClosed = false;

  constructor(owner: StreamOwner, id: number, request: ReceivedHead, windows: StreamWindows) {
    this.#owner = owner;
    this.#sender = owner.sender;
    this.id = id;
    this.request = request;
    this.sendWindow = windows.send;
    this.receiveWindow = new ReceiveWindow(windows.receive);
  }

  get peer(): Peer {
    return this.#owner.peer;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  start(listener: RequestListener): void {
    this.#isStarted = true;
    const events = listener(this);
    this.#events = events;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) if (!this.#isClosed) events.data(chunk);
    if (this.isRequestComplete && !this.#isClosed) events.end();
  }

  // ---- what arrives

  /** `padding`: bytes of the frame that are none of the body. False when the body is longer than was announced. */
  receive(chunk: Buffer, padding: number): boolean {
    this.#bodyBytes += chunk.length;
    this.#held += chunk.length;
    if (padding > 0) this.#owner.giveBack(this, padding);
    if (this.#bodyBytes > (this.request.contentLength ?? Infinity)) return false;
    if (chunk.length === 0) return true;
    if (this.#isFinished) this.consumed(chunk.length);
    else if (this.#events === undefined) this.#early.push(chunk);
    else this.#events.data(chunk);
    return true;
  }

  /** False when the body is shorter than was announced. */
  completeRequest(): boolean {
    this.isRequestComplete = true;
    if (this.#bodyBytes !== (this.request.contentLength ?? this.#bodyBytes)) return false;
    if (!this.#isFinished) this.#events?.end();
    return true;
  }

  /** The client, or the end of its connection, broke it off. */
  abort(): void {
    if (this.#isClosed) return;
    this.#close(false);
    if (!this.#isFinished) this.#events?.aborted();
  }

  /** The client broke the protocol. */
  fail(code: number): void {
    if (this.#isClosed) return;
    this.#sender.reset(this.id, code);
    this.abort();
  }

  // ---- what is sent

  consumed(bytes: number): void {
    this.#held -= bytes;
    if (!this.#isClosed) this.#owner.giveBack(this, bytes);
  }

  respond(fields: readonly HeaderField[], isLast = false): void {
    if (!this.#isClosed) this.#sender.headers(this.id, fields, isLast);
    if (isLast) this.#finish();
    if (isLast) this.#completeAnswer();
  }

  write(data: Uint8Array): boolean {
    if (this.#isClosed || data.length === 0) return true;
    this.#queue.push(data);
    this.#changeQueued(data.length);
    if (this.blockedSince === 0) this.pump(Infinity);
    return this.#queue.length === 0;
  }

  end(trailers?: readonly HeaderField[]): void {
    this.#finish();
    if (this.#isClosed || this.#isEnding) return;
    this.#isEnding = true;
    this.#trailers = trailers;
    if (this.#queue.length === 0) this.#sendEnd();
  }

  reset(code: number): void {
    this.#finish();
    if (this.#isClosed) return;
    this.#sender.reset(this.id, code);
    this.#close(false);
  }

  /** Sends what the windows allow, `frames` DATA frames at most. */
  pump(frames: number): void {
    let sent = 0;
    while (sent < frames && this.#queue.length > 0) {
      const size = Math.min(this.sendWindow, this.#sender.room);
      if (size <= 0) break;
      this.#sendPart(size);
      sent += 1;
    }
    if (this.#isClosed) return;
    const waited = this.blockedSince > 0;
    if (this.#queue.length > 0) {
      if (sent > 0 || !waited) this.blockedSince = this.#owner.now();
      this.#sender.blocked.add(this);
      return;
    }
    this.blockedSince = 0;
    if (this.#isEnding) this.#sendEnd();
    else if (waited) this.#events?.drained();
  }

  #sendPart(size: number): void {
    const first = this.#queue[0] as Uint8Array;
    const isWhole = first.length <= size;
    const part = isWhole ? first : first.subarray(0, size);
    if (isWhole) this.#queue.shift();
    else this.#queue[0] = first.subarray(size);
    this.sendWindow -= part.length;
    this.#changeQueued(-part.length);
    const isLast = this.#isEnding && this.#trailers === undefined && this.#queue.length === 0;
    this.#sender.data(this.id, part, isLast);
    this.#owner.dataSent();
    if (isLast) this.#completeAnswer();
  }

  #sendEnd(): void {
    if (this.#trailers === undefined) this.#sender.data(this.id, NOTHING, true);
    else this.#sender.headers(this.id, this.#trailers, true);
    this.#completeAnswer();
  }

  /** All of the answer is sent. What the client still sends of its request is of no use: NO_ERROR asks it to stop (section 8.1). */
  #completeAnswer(): void {
    if (this.#isClosed) return;
    if (!this.isRequestComplete) this.#sender.reset(this.id, ErrorCode.noError);
    this.#close(true);
  }

  #close(isComplete: boolean): void {
    this.#isClosed = true;
    this.#changeQueued(-this.#queuedBytes);
    this.#queue = [];
    this.#early = [];
    this.#owner.closed(this, isComplete);
    if (this.#held > 0) this.#owner.giveBack(this, this.#held);
  }

  #finish(): void {
    if (!this.#isStarted || this.#isFinished) return;
    this.#isFinished = true;
    this.#owner.finished();
  }

  #changeQueued(bytes: number): void {
    this.#queuedBytes += bytes;
    this.#sender.queuedBytes += bytes;
  }
}

const NOTHING = new Uint8Array(0);
