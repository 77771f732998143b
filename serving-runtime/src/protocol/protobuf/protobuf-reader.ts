/** The wire format of Protocol Buffers, read (https://protobuf.dev/programming-guides/encoding/). What is wrong is an error, never changed. */
import { isUtf8 } from 'node:buffer';
import { invalid } from '../errors.ts';

export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A varint of 64 bits has ten bytes at most. */
const MAX_VARINT_BYTES = 10;
/** So many hold 49 bits, which a number holds exactly. */
const SMALL_VARINT_BYTES = 7;

function wrong(): Error {
  return invalid('the message is not valid protobuf for this method');
}

/** Reads one message. Every method throws a RequestError for what is wrong. */
export class ProtobufReader {
  position: number;
  end: number;
  /** Of the tag that was read last. */
  wireType = 0;
  readonly #bytes: Buffer;
  #view: DataView | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.position = 0;
    this.end = bytes.length;
  }

  get hasMore(): boolean {
    return this.position < this.end;
  }

  /** The number of the next field. */
  tag(): number {
    const tag = this.varint();
    const field = Math.floor(tag / 8);
    this.wireType = tag & 7;
    if (field < 1 || field > 0x1fffffff) throw wrong();
    return field;
  }

  /** The low 53 bits are exact; for lengths, tags, booleans, enumerations and 32-bit numbers. */
  varint(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    let factor = 0x80;
    for (let count = 1; count < MAX_VARINT_BYTES; count += 1) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    throw wrong();
  }

  uint64(): bigint {
    let small = 0;
    let factor = 1;
    // Bigints are slow to reckon with, and few numbers are that large.
    for (let count = 0; count < SMALL_VARINT_BYTES; count += 1) {
      const byte = this.#byte();
      small += (byte & 0x7f) * factor;
      if (byte < 0x80) return BigInt(small);
      factor *= 0x80;
    }
    let value = BigInt(small);
    for (let shift = BigInt(7 * SMALL_VARINT_BYTES); shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw wrong();
  }

  int64(): bigint {
    return BigInt.asIntN(64, this.uint64());
  }

  /** For numbers that are only right when they are small: those beyond 2^53 come out near, and negative ones negative. */
  int64AsNumber(): number {
    const first = this.#bytes[this.position] ?? 0x80;
    return first < 0x80 && this.hasMore ? this.#byte() : Number(this.int64());
  }

  float(): number {
    return this.#dataView().getFloat32(this.#skip(4), true);
  }

  double(): number {
    return this.#dataView().getFloat64(this.#skip(8), true);
  }

  bytes(): Buffer {
    const length = this.#length();
    const start = this.#skip(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** Protocol Buffers allow only UTF-8 in strings. */
  text(): string {
    const length = this.#length();
    const start = this.#skip(length);
    const end = start + length;
    for (let at = start; at < end; at += 1) {
      if ((this.#bytes[at] ?? 0) >= 0x80) return this.#unicode(start, end);
    }
    return this.#bytes.toString('latin1', start, end);
  }

  /** Reads a message within this one: `read` until `hasMore` is false. */
  nested(read: () => void): void {
    const { end } = this;
    const length = this.#length();
    if (length > end - this.position) throw wrong();
    this.end = this.position + length;
    while (this.hasMore) read();
    this.end = end;
  }

  /** A repeated number, which stands alone or with others behind one tag. */
  repeated(elementWireType: number, read: () => void): void {
    if (this.wireType === WireType.bytes) {
      this.nested(read);
      return;
    }
    this.expect(elementWireType);
    read();
  }

  expect(wireType: number): void {
    if (this.wireType !== wireType) throw wrong();
  }

  /** Over a field that nobody knows. Groups, which went out of use before this protocol began, are refused. */
  skip(): void {
    if (this.wireType === WireType.varint) this.uint64();
    else if (this.wireType === WireType.fixed64) this.#skip(8);
    else if (this.wireType === WireType.bytes) this.#skip(this.#length());
    else if (this.wireType === WireType.fixed32) this.#skip(4);
    else throw wrong();
  }

  #unicode(start: number, end: number): string {
    const part = this.#bytes.subarray(start, end);
    if (!isUtf8(part)) throw invalid('a text in the message is not valid UTF-8');
    return part.toString('utf8');
  }

  #length(): number {
    this.expect(WireType.bytes);
    return this.varint();
  }

  /** Where the skipped bytes begin. */
  #skip(bytes: number): number {
    const start = this.position;
    if (bytes > this.end - start) throw wrong();
    this.position = start + bytes;
    return start;
  }

  #byte(): number {
    if (this.position >= this.end) throw wrong();
    const byte = this.#bytes[this.position] ?? 0;
    this.position += 1;
    return byte;
  }

  #dataView(): DataView {
    this.#view ??= new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
    return this.#view;
  }
}
