import { numericType } from '../protocol/datatypes.ts';
import type { NumericDatatype, TensorData } from '../protocol/datatypes.ts';

/** A larger batch gets memory of its own, and an instance that had one does not hold so much for ever. */
const LARGEST_KEPT = 8 * 1024 * 1024;
/** What vector instructions read at a time. */
const ALIGNMENT = 64;

/**
 * Memory for the inputs of one batch after the other, which another thread reads where it is. Made anew for each, it would be zeroed,
 * moved between threads and collected, which costs more than to copy the rows.
 */
export class BatchMemory {
  #buffer = new SharedArrayBuffer(0);
  #used = 0;
  #wanted = 0;

  /** What was created before is overwritten from now on. */
  begin(): void {
    if (this.#wanted > this.#buffer.byteLength && this.#wanted <= LARGEST_KEPT)
      this.#buffer = new SharedArrayBuffer(Math.min(2 * this.#wanted, LARGEST_KEPT));
    this.#used = 0;
    this.#wanted = 0;
  }

  /** With anything in it. */
  create(datatype: NumericDatatype, count: number): Exclude<TensorData, readonly string[]> {
    const type = numericType(datatype);
    const bytes = Math.ceil((count * type.bytes) / ALIGNMENT) * ALIGNMENT;
    this.#wanted += bytes;
    if (this.#used + bytes > this.#buffer.byteLength) return type.create(count);
    const view = type.view(this.#buffer, this.#used, count);
    this.#used += bytes;
    return view;
  }
}
