/** One stream as a server has it: the state of RFC 9113, section 5.1, and what arrives. */
import { ErrorCode } from './errors.ts';
import type { Exchange, ExchangeEvents, RequestListener } from './exchange.ts';
import type { HeaderField } from './header-field.ts';
import { ReceiveWindow } from './receive-window.ts';
import type { Peer } from '../peer.ts';
import type { ReceivedHead } from './request-head.ts';
import { Http2Stream } from './stream.ts';
import type { SendingOwner } from './stream.ts';

/** What a stream needs of its connection. */
export interface StreamOwner extends SendingOwner {
  readonly peer: Peer;
  /** Gives the client so many bytes of its windows back; of the connection's alone when the stream is over. */
  giveBack(stream: ServerStream, bytes: number): void;
  /** Its work has stopped. */
  finished(): void;
  /** Both sides are done with it. */
  closed(stream: ServerStream, isComplete: boolean): void;
}

export interface StreamWindows {
  readonly send: number;
  readonly receive: number;
}

export class ServerStream extends Http2Stream implements Exchange {
  readonly request: ReceivedHead;
  readonly receiveWindow: ReceiveWindow;
  /** The client has sent all. */
  isRequestComplete = false;
  readonly #owner: StreamOwner;
  #events: ExchangeEvents | undefined;
  /** What arrived before somebody listens. */
  #early: Buffer[] = [];
  #bodyBytes = 0;
  /** Arrived and not taken. */
  #held = 0;
  #isStarted = false;
  #isFinished = false;

  // oxlint-disable-next-line max-params -- the windows are two
  constructor(owner: StreamOwner, id: number, request: ReceivedHead, windows: StreamWindows) {
    super(owner, id, windows.send);
    this.#owner = owner;
    this.request = request;
    this.receiveWindow = new ReceiveWindow(windows.receive);
  }

  get peer(): Peer {
    return this.#owner.peer;
  }

  start(listener: RequestListener): void {
    this.#isStarted = true;
    const events = listener(this);
    this.#events = events;
    const early = this.#early;
    this.#early = [];
    for (const chunk of early) if (!this.isClosed) events.data(chunk);
    if (this.isRequestComplete && !this.isClosed) events.end();
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
    if (this.isClosed) return;
    this.#over(false);
    if (!this.#isFinished) this.#events?.aborted();
  }

  /** The client broke the protocol. */
  fail(code: number): void {
    if (this.isClosed) return;
    this.sender.reset(this.id, code);
    this.abort();
  }

  // ---- what is sent

  consumed(bytes: number): void {
    this.#held -= bytes;
    if (!this.isClosed) this.#owner.giveBack(this, bytes);
  }

  respond(fields: readonly HeaderField[], isLast = false): void {
    if (!this.isClosed) this.sender.headers(this.id, fields, isLast);
    if (isLast) this.#finish();
    if (isLast) this.sentAll();
  }

  override end(trailers?: readonly HeaderField[]): void {
    this.#finish();
    super.end(trailers);
  }

  reset(code: number): void {
    this.#finish();
    if (this.isClosed) return;
    this.sender.reset(this.id, code);
    this.#over(false);
  }

  protected override drained(): void {
    this.#events?.drained();
  }

  /** All of the answer is sent. What the client still sends of its request is of no use: NO_ERROR asks it to stop (section 8.1). */
  protected override sentAll(): void {
    if (this.isClosed) return;
    if (!this.isRequestComplete) this.sender.reset(this.id, ErrorCode.noError);
    this.#over(true);
  }

  #over(isComplete: boolean): void {
    this.close();
    this.#early = [];
    this.#owner.closed(this, isComplete);
    if (this.#held > 0) this.#owner.giveBack(this, this.#held);
  }

  #finish(): void {
    if (!this.#isStarted || this.#isFinished) return;
    this.#isFinished = true;
    this.#owner.finished();
  }
}
