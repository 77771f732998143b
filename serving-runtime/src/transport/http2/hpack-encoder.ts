/** RFC 7541: fields into header blocks. */
import type { HeaderField } from './header-field.ts';
import { fieldSize } from './header-field.ts';
import { DynamicTable } from './hpack-dynamic-table.ts';
import { encodeHuffman } from './hpack-huffman.ts';
import { STATIC_TABLE } from './hpack-static-table.ts';

/** Where blocks go. */
export interface ByteSink {
  byte(value: number): void;
  bytes(value: Uint8Array): void;
  latin1(text: string): void;
}

/** Fields whose values differ from answer to answer: their names are kept, but more values would only push the others out. */
const NEVER_KEPT: ReadonlySet<string> = new Set(['content-length', 'date', 'grpc-message', 'x-request-id']);
const TABLE_LIMIT = 4096;

/** Name -> value -> something. Two steps, because to join name and value would make a text for every field. */
type Index = Map<string, Map<string, number>>;

const STATIC_NAMES = new Map(STATIC_TABLE.map(({ name }, index) => [name, index + 1] as const).toReversed());
const STATIC_FIELDS: Index = new Map();
STATIC_TABLE.forEach((field, index) => remember(STATIC_FIELDS, field, index + 1));

function remember(index: Index, { name, value }: HeaderField, number: number): void {
  const values = index.get(name) ?? new Map<string, number>();
  values.set(value, number);
  index.set(name, values);
}

export class HpackEncoder {
  readonly #table = new DynamicTable<HeaderField>(TABLE_LIMIT);
  /** How many fields were added before the newest with a name, and before the one with a name and a value. */
  readonly #names = new Map<string, number>();
  readonly #fields: Index = new Map();
  #remembered = 0;
  /** The smallest and the last size that the peer asked for since the last block (section 4.2). */
  #pendingSizes: number[] = [];

  /** Takes the peer's SETTINGS_HEADER_TABLE_SIZE. */
  limitTable(size: number): void {
    const limit = Math.min(size, TABLE_LIMIT);
    if (limit === this.#table.maxSize && this.#pendingSizes.length === 0) return;
    const smallest = Math.min(limit, ...this.#pendingSizes);
    this.#pendingSizes = smallest < limit ? [smallest, limit] : [limit];
  }

  encode(fields: readonly HeaderField[], sink: ByteSink): void {
    for (const size of this.#pendingSizes) {
      this.#table.resize(size);
      writeInteger(sink, 5, 0x20, size);
    }
    this.#pendingSizes = [];
    for (const field of fields) this.#encodeField(field, sink);
  }

  #encodeField(field: HeaderField, sink: ByteSink): void {
    const nameIndex = STATIC_NAMES.get(field.name) ?? this.#indexOf(this.#names.get(field.name));
    if (nameIndex !== undefined && NEVER_KEPT.has(field.name)) {
      writeInteger(sink, 4, 0x00, nameIndex);
      writePlain(sink, field.value);
      return;
    }
    const index = this.#indexOfField(field);
    if (index !== undefined) {
      writeInteger(sink, 7, 0x80, index);
    } else if (fieldSize(field) > this.#table.maxSize) {
      writeInteger(sink, 4, 0x00, nameIndex ?? 0);
      if (nameIndex === undefined) writePlain(sink, field.name);
      writePlain(sink, field.value);
    } else {
      writeInteger(sink, 6, 0x40, nameIndex ?? 0);
      if (nameIndex === undefined) writeShortest(sink, field.name);
      writeShortest(sink, field.value);
      this.#keep(field);
    }
  }

  #keep(field: HeaderField): void {
    // Numbers of fields that were evicted are of no use; they must not outgrow the table.
    if (this.#remembered > 4 * this.#table.length + 64) {
      this.#names.clear();
      this.#fields.clear();
      this.#remembered = 0;
    }
    this.#remembered += 1;
    this.#names.set(field.name, this.#table.added);
    remember(this.#fields, field, this.#table.added);
    this.#table.add(field);
  }

  #indexOfField({ name, value }: HeaderField): number | undefined {
    return STATIC_FIELDS.get(name)?.get(value) ?? this.#indexOf(this.#fields.get(name)?.get(value));
  }

  #indexOf(number: number | undefined): number | undefined {
    if (number === undefined) return undefined;
    const position = this.#table.added - 1 - number;
    return position < this.#table.length ? STATIC_TABLE.length + 1 + position : undefined;
  }
}

function writePlain(sink: ByteSink, text: string): void {
  writeInteger(sink, 7, 0x00, text.length);
  sink.latin1(text);
}

/** In the Huffman code where that is shorter. It costs time, so it is for what is written once and then referred to. */
function writeShortest(sink: ByteSink, text: string): void {
  const coded = encodeHuffman(text);
  if (coded.length < text.length) {
    writeInteger(sink, 7, 0x80, coded.length);
    sink.bytes(coded);
    return;
  }
  writePlain(sink, text);
}

function writeInteger(sink: ByteSink, prefixBits: number, pattern: number, value: number): void {
  const largest = (1 << prefixBits) - 1;
  if (value < largest) {
    sink.byte(pattern | value);
    return;
  }
  sink.byte(pattern | largest);
  let rest = value - largest;
  while (rest >= 0x80) {
    sink.byte((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  sink.byte(rest);
}
