/** Messages out of the body of a request: a flag byte, four bytes of length, and so many bytes. */
import { RequestError } from '../../protocol/errors.ts';

const PREFIX_BYTES = 5;
const FIRST_RESERVE = 4096;

/** Memory that all calls together may use for messages that have not arrived in full. */
export interface MessageMemory {
  readonly limit: number;
  used: number;
}

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
  /** Of `#bytes`, when they are our own: counted in the memory of all calls. */
  #reserved = 0;

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
        return { isCompressed: flag === 1, bytes: this.#bytes.subarray(start, start + length) };
      }
    }
    this.keep();
    return undefined;
  }

  /** Copies what is left of a chunk that was pushed, so that a byte does not hold all that arrived with it. */
  keep(): void {
    if (this.#reserved > 0 || this.held === 0) return;
    const rest = this.#bytes.subarray(this.#start, this.#end);
    this.#bytes = NOTHING;
    this.#start = 0;
    this.#end = 0;
    this.#append(rest);
  }

  /** Gives the memory back. */
  release(): void {
    this.#options.memory.used -= this.#reserved;
    this.#reserved = 0;
    this.#bytes = NOTHING;
    this.#start = 0;
    this.#end = 0;
  }

  #append(chunk: Buffer): void {
    if (this.#reserved === 0 || this.#end + chunk.length > this.#bytes.length) this.#grow(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Messages that were read still lie in the old memory, so it is left to them. */
  #grow(bytes: number): void {
    const { memory, maxMessageBytes } = this.#options;
    const needed = this.held + bytes;
    const size = Math.max(needed, Math.min(2 * needed, maxMessageBytes + PREFIX_BYTES), FIRST_RESERVE);
    memory.used += size - this.#reserved;
    this.#reserved = size;
    if (memory.used > memory.limit) {
      throw new RequestError('Unavailable', 'the server holds too many requests that have not arrived in full');
    }
    const larger = Buffer.allocUnsafeSlow(size);
    larger.set(this.#bytes.subarray(this.#start, this.#end));
    this.#bytes = larger;
    this.#end -= this.#start;
    this.#start = 0;
  }
}

const NOTHING = Buffer.alloc(0);
