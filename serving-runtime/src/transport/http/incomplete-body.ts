/** A body while it arrives. */
import { invalid } from '../../protocol/errors.ts';
import { ByteBudget } from '../byte-budget.ts';

const MIB = 1024 * 1024;
/** Of all bodies and WebSocket messages that have not arrived in full, over all connections. */
export const incompleteBytes = new ByteBudget(512 * MIB);

const FIRST_RESERVE = 16 * 1024;
/** Every piece costs time, also one of a byte: so many are free, and each of those bytes allows for one more (CVE-2025-23310). */
const FREE_PIECES = 65_536;
const BYTES_A_PIECE = 512;

/** Held in one piece of memory, which grows with what arrives and never because of a length that is only announced. */
export class IncompleteBody {
  readonly #limit: number;
  #bytes: Buffer = NOTHING;
  #pieces = 0;
  /** Of all that arrived, also of what is not held. */
  size = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get isTooLarge(): boolean {
    return this.size > this.#limit;
  }

  /** Nothing is held any more once it is too large. @throws {RequestError} */
  push(piece: Buffer): void {
    const start = this.size;
    this.size += piece.length;
    this.#pieces += 1;
    if (this.#pieces > FREE_PIECES + this.size / BYTES_A_PIECE) {
      throw invalid('the body comes in too many small pieces; send it in larger chunks');
    }
    if (this.isTooLarge) {
      this.release();
      return;
    }
    if (this.size > this.#bytes.length) this.#grow(start);
    this.#bytes.set(piece, start);
  }

  /** What has arrived. */
  take(): Buffer {
    return this.#bytes.subarray(0, this.size);
  }

  /** It counts no more, whether it was taken or not. */
  release(): void {
    incompleteBytes.give(this.#bytes.length);
    this.#bytes = NOTHING;
  }

  #grow(held: number): void {
    const length = Math.max(this.size, Math.min(2 * this.size, this.#limit), Math.min(FIRST_RESERVE, this.#limit));
    incompleteBytes.take(length - this.#bytes.length);
    const larger = Buffer.allocUnsafeSlow(length);
    larger.set(this.#bytes.subarray(0, held));
    this.#bytes = larger;
  }
}

const NOTHING = Buffer.alloc(0);
