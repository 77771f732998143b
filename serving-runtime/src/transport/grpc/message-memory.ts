import { RequestError } from '../../protocol/errors.ts';

const SMALLEST = 4096;
const LARGEST_KEPT = 1024 * 1024;
const MOST_KEPT_BYTES = 16 * 1024 * 1024;

/**
 * Memory that all calls together use for messages that arrive in pieces. What a call gives back, another takes: memory that is made and
 * dropped for each message has V8 collect all of its heap every second, and everybody waits for 10 ms meanwhile.
 */
export class MessageMemory {
  readonly #limit: number;
  /** By size, each a power of two. */
  readonly #kept = new Map<number, Buffer[]>();
  #keptBytes = 0;
  #used = 0;

  /** @param limit bytes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * At least `needed` bytes, with anything in them. They count until they are given or dropped.
   *
   * @param most beyond which none are needed. @throws {RequestError} Unavailable when there would be too many.
   */
  take(needed: number, most: number): Buffer {
    const size = sizeFor(needed, most);
    if (this.#used + size > this.#limit)
      throw new RequestError('Unavailable', 'the server holds too many requests that have not arrived in full');
    this.#used += size;
    const kept = this.#kept.get(size)?.pop();
    if (kept === undefined) return Buffer.allocUnsafeSlow(size);
    this.#keptBytes -= size;
    return kept;
  }

  /** For the next who takes: nobody may read it any more. */
  give(buffer: Buffer): void {
    this.drop(buffer);
    if (buffer.length > LARGEST_KEPT || this.#keptBytes + buffer.length > MOST_KEPT_BYTES) return;
    this.#keptBytes += buffer.length;
    const kept = this.#kept.get(buffer.length);
    if (kept === undefined) this.#kept.set(buffer.length, [buffer]);
    else kept.push(buffer);
  }

  /** It counts no more, although somebody may still read it. */
  drop(buffer: Buffer): void {
    this.#used -= buffer.length;
  }
}

/** What grows is copied, so it grows twofold. */
function sizeFor(needed: number, most: number): number {
  if (needed > LARGEST_KEPT) return Math.max(needed, Math.min(2 * needed, most));
  let size = SMALLEST;
  while (size < needed) size *= 2;
  return size;
}
