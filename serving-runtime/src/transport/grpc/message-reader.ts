/** Messages out of the body of a request: a flag byte, four bytes of length, and so many bytes. */
import { RequestError } from '../../protocol/errors.ts';
import type { MessageMemory } from './message-memory.ts';

const PREFIX_BYTES = 5;

export interface RawMessage {
  readonly isCompressed: boolean;
  readonly bytes: Buffer;
}

export interface MessageReaderOptions {
  readonly maxMessageBytes: number;
  readonly memory: MessageMemory;
}

/**
 * Holds what has arrived in one piece of memory, which grows with what arrives and never because of a length that is only
 * announced.
 */
export class MessageReader {
  readonly #options: MessageReaderOptions;
  #bytes: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  /** `#bytes` are of the memory of all calls, and not a chunk. */
  #isOwn = false;
  /** Somebody has a message that lies in them. */
  #isRead = false;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  /** Bytes that arrived and are in no message that was read. */
  get held(): number {
    return this.#end - this.#start;
  }

  /** `read` has to follow: the chunk is not kept but by it. */
  push(chunk: Buffer): void {
    if (this.held === 0) {
      this.release();
      this.#bytes = chunk;
      this.#start = 0;
      this.#end = chunk.length;
      return;
    }
    this.#append(chunk);
  }

  /** The next message; undefined while it is not complete. @throws {RequestError} */
  read(): RawMessage | undefined {
    const { maxMessageBytes } = this.#options;
    if (this.held >= PREFIX_BYTES) {
      const flag = this.#bytes[this.#start] ?? 0;
      const length = this.#bytes.readUInt32BE(this.#start + 1);
      if (flag > 1) throw new RequestError('Internal', 'a message has flags that gRPC does not know');
      if (length > maxMessageBytes) {
        throw new RequestError('TooLarge', `a message has ${length} bytes; at most ${maxMessageBytes} are allowed`);
      }
      const start = this.#start + PREFIX_BYTES;
      if (start + length <= this.#end) {
        this.#start = start + length;
        this.#isRead = true;
        return { isCompressed: flag === 1, bytes: this.#bytes.subarray(start, start + length) };
      }
    }
    this.keep();
    return undefined;
  }

  /** Copies what is left of a chunk that was pushed, so that a byte does not hold all that arrived with it. */
  keep(): void {
    if (this.#isOwn || this.held === 0) return;
    const rest = this.#bytes.subarray(this.#start, this.#end);
    this.release();
    this.#append(rest);
  }

  /** Holds nothing any more. Messages that were read stay as they are. */
  release(): void {
    this.#leave();
    this.#bytes = NOTHING;
    this.#start = 0;
    this.#end = 0;
  }

  /** The same, when nobody will read those messages again: their memory is for others. */
  recycle(): void {
    this.#isRead = false;
    this.release();
  }

  #append(chunk: Buffer): void {
    if (!this.#isOwn || this.#end + chunk.length > this.#bytes.length) this.#grow(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  #grow(bytes: number): void {
    const { memory, maxMessageBytes } = this.#options;
    const larger = memory.take(this.held + bytes, maxMessageBytes + PREFIX_BYTES);
    larger.set(this.#bytes.subarray(this.#start, this.#end));
    this.#leave();
    this.#bytes = larger;
    this.#isOwn = true;
    this.#end -= this.#start;
    this.#start = 0;
  }

  #leave(): void {
    const { memory } = this.#options;
    if (this.#isOwn && this.#isRead) memory.drop(this.#bytes);
    else if (this.#isOwn) memory.give(this.#bytes);
    this.#isOwn = false;
    this.#isRead = false;
  }
}

const NOTHING = Buffer.alloc(0);
