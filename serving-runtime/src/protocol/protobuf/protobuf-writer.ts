/** The wire format of Protocol Buffers, written. */
import { WireType } from './protobuf-reader.ts';

const INITIAL_BYTES = 1024;
/** What one large message needed is not kept for the small ones after it. */
const KEPT_BYTES = 1024 * 1024;
const MAX_VARINT_BYTES = 10;
/** Where characters may need three bytes each. */
const BYTES_A_CHARACTER = 3;

export class ProtobufWriter {
  #bytes: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Empties it, and hands out what was in it, to be copied at once. */
  take(): Buffer {
    const written = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    return written;
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.#reserve(MAX_VARINT_BYTES);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length] = (rest % 0x80) | 0x80;
      this.#length += 1;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length] = rest;
    this.#length += 1;
  }

  int64(value: number | bigint): void {
    if (typeof value === 'number' && value >= 0) {
      this.varint(value);
      return;
    }
    this.#reserve(MAX_VARINT_BYTES);
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest >= 0x80n) {
      this.#bytes[this.#length] = Number(rest & 0x7fn) | 0x80;
      this.#length += 1;
      rest >>= 7n;
    }
    this.#bytes[this.#length] = Number(rest);
    this.#length += 1;
  }

  float(value: number): void {
    this.#reserve(4);
    this.#length = this.#bytes.writeFloatLE(value, this.#length);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#length = this.#bytes.writeDoubleLE(value, this.#length);
  }

  /** Not at all when it is empty, which is what no text is in proto3. */
  text(field: number, value: string): void {
    if (value === '') return;
    this.tag(field, WireType.bytes);
    this.nested(() => {
      this.#reserve(value.length * BYTES_A_CHARACTER);
      this.#length += this.#bytes.write(value, this.#length, 'utf8');
    });
  }

  bytes(field: number, value: Uint8Array): void {
    this.tag(field, WireType.bytes);
    this.varint(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** What `write` writes, behind its length. */
  nested(write: () => void): void {
    this.#reserve(1);
    const start = this.#length + 1;
    this.#length = start;
    write();
    const bytes = this.#length - start;
    const more = lengthOfVarint(bytes) - 1;
    // For the length, too: to grow while it is written would leave behind what comes after it.
    this.#reserve(MAX_VARINT_BYTES);
    if (more > 0) this.#bytes.copyWithin(start + more, start, this.#length);
    this.#length = start - 1;
    this.varint(bytes);
    this.#length += bytes;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

export function lengthOfVarint(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) length += 1;
  return length;
}
