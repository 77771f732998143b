/** RFC 7541: header blocks into fields. */
import { ConnectionError, ErrorCode } from './errors.ts';
import { fieldSize, receivedField } from './header-field.ts';
import type { ReceivedField } from './header-field.ts';
import { DynamicTable } from './hpack-dynamic-table.ts';
import { decodeHuffman } from './hpack-huffman.ts';
import { STATIC_TABLE } from './hpack-static-table.ts';

export interface DecodedBlock {
  /** Those that were within the limit. */
  readonly fields: readonly ReceivedField[];
  readonly isTooLarge: boolean;
}

/** Continuation bytes of an integer: four carry 28 bits, more than any length or index that could be right. */
const MAX_INTEGER_SHIFT = 28;

function compressionError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.compressionError, message);
}

/** Its state follows that of the peer's encoder, so every block of a connection has to pass through it, in order. */
export class HpackDecoder {
  readonly #table: DynamicTable<ReceivedField>;
  /** What we announced; the encoder may choose less. */
  readonly #tableLimit: number;
  readonly #maxListSize: number;
  #block: Buffer = Buffer.alloc(0);
  #position = 0;
  #end = 0;

  constructor(tableLimit: number, maxListSize: number) {
    this.#table = new DynamicTable(tableLimit);
    this.#tableLimit = tableLimit;
    this.#maxListSize = maxListSize;
  }

  /** @throws {ConnectionError} when the block is no HPACK. A list that is too large is read to its end all the same. */
  decode(block: Buffer, start: number, end: number): DecodedBlock {
    this.#block = block;
    this.#position = start;
    this.#end = end;
    const fields: ReceivedField[] = [];
    let size = 0;
    this.#readSizeUpdates();
    while (this.#position < end) {
      const field = this.#readField();
      size += fieldSize(field);
      if (size <= this.#maxListSize) fields.push(field);
    }
    return { fields, isTooLarge: size > this.#maxListSize };
  }

  /** They may stand only where a block begins (section 4.2). */
  #readSizeUpdates(): void {
    while (this.#position < this.#end && ((this.#block[this.#position] ?? 0) & 0xe0) === 0x20) {
      const size = this.#readInteger(5);
      if (size > this.#tableLimit) throw compressionError('the table was made larger than it may be');
      this.#table.resize(size);
    }
  }

  #readField(): ReceivedField {
    const first = this.#block[this.#position] ?? 0;
    if (first >= 0x80) return this.#fieldAt(this.#readInteger(7));
    if (first >= 0x40) {
      const field = this.#readLiteral(6);
      this.#table.add(field);
      return field;
    }
    if (first >= 0x20) throw compressionError('the size of the table changes within a block');
    return this.#readLiteral(4);
  }

  #readLiteral(prefixBits: number): ReceivedField {
    const index = this.#readInteger(prefixBits);
    const name = index === 0 ? this.#readString() : this.#fieldAt(index).name;
    return receivedField(name, this.#readString());
  }

  #fieldAt(index: number): ReceivedField {
    const field =
      index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1] : this.#table.at(index - STATIC_TABLE.length - 1);
    if (field === undefined) throw compressionError('there is no field with that index');
    return field;
  }

  #readString(): string {
    const isHuffman = ((this.#block[this.#position] ?? 0) & 0x80) !== 0;
    const length = this.#readInteger(7);
    const start = this.#position;
    const end = start + length;
    if (end > this.#end) throw compressionError('a string is longer than its block');
    this.#position = end;
    if (!isHuffman) return this.#block.toString('latin1', start, end);
    const text = decodeHuffman(this.#block, start, end);
    if (text === undefined) throw compressionError('a string is not in the Huffman code');
    return text;
  }

  #readInteger(prefixBits: number): number {
    const largest = (1 << prefixBits) - 1;
    let value = this.#readByte() & largest;
    if (value < largest) return value;
    for (let shift = 0; shift < MAX_INTEGER_SHIFT; shift += 7) {
      const byte = this.#readByte();
      value += (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw compressionError('an integer is too large');
  }

  #readByte(): number {
    if (this.#position >= this.#end) throw compressionError('the block ends within a field');
    const byte = this.#block[this.#position] ?? 0;
    this.#position += 1;
    return byte;
  }
}
