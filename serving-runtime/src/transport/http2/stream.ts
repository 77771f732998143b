/** What a stream sends after its head, as both sides do: what waits for the windows (RFC 9113, section 6.9), and the end. */
import type { HeaderField } from './header-field.ts';
import type { Sender } from './sender.ts';

/** What a stream needs of its connection to send. */
export interface SendingOwner {
  readonly sender: Sender<Http2Stream>;
  /** Milliseconds, of a clock that only goes forward. */
  now(): number;
  /** A piece of a body was sent. */
  dataSent(): void;
}

export abstract class Http2Stream {
  readonly id: number;
  /** What we may still send; less than 0 when the peer made its window smaller (section 6.9.2). */
  sendWindow: number;
  /** Milliseconds; 0 while it does not wait. */
  blockedSince = 0;
  /** END_STREAM was sent. */
  protected isSent = false;
  protected readonly sender: Sender<Http2Stream>;
  readonly #owner: SendingOwner;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #trailers: readonly HeaderField[] | undefined;
  #isEnding = false;
  #isClosed = false;

  constructor(owner: SendingOwner, id: number, sendWindow: number) {
    this.#owner = owner;
    this.sender = owner.sender;
    this.id = id;
    this.sendWindow = sendWindow;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** What waited is sent. */
  protected abstract drained(): void;
  /** The end is sent, too. */
  protected sentAll(): void {}

  /** False when the peer is slow: `drained` follows. What is written must not be changed afterwards. */
  write(data: Uint8Array): boolean {
    if (this.#isClosed || this.#isEnding || this.isSent || data.length === 0) return true;
    this.#queue.push(data);
    this.#changeQueued(data.length);
    if (this.blockedSince === 0) this.pump(Infinity);
    return this.#queue.length === 0;
  }

  end(trailers?: readonly HeaderField[]): void {
    if (this.#isClosed || this.#isEnding || this.isSent) return;
    this.#isEnding = true;
    this.#trailers = trailers;
    if (this.#queue.length === 0) this.#sendEnd();
  }

  /** Sends what the windows allow, `frames` DATA frames at most. */
  pump(frames: number): void {
    let sent = 0;
    while (sent < frames && this.#queue.length > 0) {
      const size = Math.min(this.sendWindow, this.sender.room);
      if (size <= 0) break;
      this.#sendPart(size);
      sent += 1;
    }
    if (this.#isClosed || this.isSent) return;
    const waited = this.blockedSince > 0;
    if (this.#queue.length > 0) {
      if (sent > 0 || !waited) this.blockedSince = this.#owner.now();
      this.sender.blocked.add(this);
      return;
    }
    this.blockedSince = 0;
    if (this.#isEnding) this.#sendEnd();
    else if (waited) this.drained();
  }

  protected close(): void {
    this.#isClosed = true;
    this.#changeQueued(-this.#queuedBytes);
    this.#queue = [];
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
    this.sender.data(this.id, part, isLast);
    this.#owner.dataSent();
    if (isLast) this.#sent();
  }

  #sendEnd(): void {
    if (this.#trailers === undefined) this.sender.data(this.id, NOTHING, true);
    else this.sender.headers(this.id, this.#trailers, true);
    this.#sent();
  }

  #sent(): void {
    this.isSent = true;
    this.sentAll();
  }

  #changeQueued(bytes: number): void {
    this.#queuedBytes += bytes;
    this.sender.queuedBytes += bytes;
  }
}

const NOTHING = new Uint8Array(0);
