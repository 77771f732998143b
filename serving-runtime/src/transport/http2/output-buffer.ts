/** Bytes that wait to be written, in the order in which they came. */

const INITIAL_BYTES = 1024;
/** What is at least as long is not copied, but handed on as it is. */
const LONG_BYTES = 4096;
/** A burst must not cost its connection memory for ever. */
const KEPT_BYTES = 64 * 1024;

export class OutputBuffer {
  #buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #length = 0;
  /** What stands before the buffer. */
  #done: Buffer[] = [];
  #doneBytes = 0;

  get byteLength(): number {
    return this.#doneBytes + this.#length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length] = value;
    this.#length += 1;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#buffer.writeUInt32BE(value, this.#length);
    this.#length += 4;
  }

  bytes(value: Uint8Array): void {
    if (value.length >= LONG_BYTES) {
      this.#close();
      this.#done.push(Buffer.from(value.buffer, value.byteOffset, value.length));
      this.#doneBytes += value.length;
      return;
    }
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  latin1(text: string): void {
    this.#reserve(text.length);
    this.#buffer.write(text, this.#length, 'latin1');
    this.#length += text.length;
  }

  /** Room for `bytes` that are filled in later by `fill`, and where it is. Nothing long may be written in between. */
  leave(bytes: number): number {
    this.#reserve(bytes);
    const position = this.#length;
    this.#length += bytes;
    return position;
  }

  /** Bytes written since the room at `position` was left, the room included. */
  since(position: number): number {
    return this.#length - position;
  }

  /** Writes over what was written at `position`. */
  fill(position: number, write: () => void): void {
    const end = this.#length;
    this.#length = position;
    write();
    this.#length = end;
  }

  /** Takes back what was written from `position` on. */
  cut(position: number): Buffer {
    const bytes = Buffer.from(this.#buffer.subarray(position, this.#length));
    this.#length = position;
    return bytes;
  }

  /** All of it, as one piece; the buffer is empty then. */
  take(): Buffer {
    const all = this.takeChunks();
    return all.length === 1 ? (all[0] as Buffer) : Buffer.concat(all);
  }

  takeChunks(): Buffer[] {
    this.#close();
    const all = this.#done;
    this.#done = [];
    this.#doneBytes = 0;
    return all;
  }

  /** The buffer is written into again, so what leaves it is a copy. */
  #close(): void {
    if (this.#length === 0) return;
    const copy = Buffer.allocUnsafe(this.#length);
    this.#buffer.copy(copy, 0, 0, this.#length);
    this.#done.push(copy);
    this.#doneBytes += this.#length;
    this.#length = 0;
    if (this.#buffer.length > KEPT_BYTES) this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#length + bytes));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
