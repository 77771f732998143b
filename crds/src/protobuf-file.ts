/** Walks through the fields of a protobuf file of any size without reading what it skips. Encoding: protobuf.dev/programming-guides/encoding */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A field, or the whole file: bytes `start` to `end` of the file. */
export interface Field {
  /** 0 for the whole file. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
}

export interface Wire {
  readonly whole: Field;
  /** Fields of the length-delimited wire type of a message; others are skipped. @throws Error for bytes that are no message */
  fields(message: Field): Generator<Field>;
  /** @param maxBytes 4,096 by default. @throws Error for a longer one */
  text(field: Field, maxBytes?: number): string;
  close(): void;
}

const WINDOW = 64 * 1024;
const MAX_TEXT = 4096;

export function openWire(path: string): Wire {
  const handle = openSync(path, 'r');
  const size = fstatSync(handle).size;
  const buffer = Buffer.alloc(WINDOW);
  let loaded = { start: 0, end: 0 };

  function byteAt(position: number): number {
    if (position < loaded.start || position >= loaded.end) {
      loaded = { start: position, end: position + readSync(handle, buffer, 0, WINDOW, position) };
    }
    const byte = position < loaded.end ? buffer[position - loaded.start] : undefined;
    if (byte === undefined) throw new Error('the file ends too early');
    return byte;
  }

  function varint(position: number): { value: number; next: number } {
    let value = 0;
    for (let index = 0; index < 10; index += 1) {
      const byte = byteAt(position + index);
      value += (byte & 127) * 2 ** (7 * index);
      if (byte < 128) return { value, next: position + index + 1 };
    }
    throw new Error('a number is too long');
  }

  /** Where a value ends, by its wire type; groups (3 and 4) are not used by ONNX. */
  function endOf(type: number, start: number): { from: number; to: number } {
    if (type === 0) return { from: start, to: varint(start).next };
    if (type === 1) return { from: start, to: start + 8 };
    if (type === 5) return { from: start, to: start + 4 };
    if (type !== 2) throw new Error(`there is no wire type ${type}`);
    const { value, next } = varint(start);
    return { from: next, to: next + value };
  }

  function* fields(message: Field): Generator<Field> {
    for (let position = message.start; position < message.end;) {
      const { value: tag, next } = varint(position);
      const type = tag % 8;
      const { from, to } = endOf(type, next);
      if (to > message.end || tag < 8) throw new Error('a field is longer than its message');
      if (type === 2) yield { number: Math.floor(tag / 8), start: from, end: to };
      position = to;
    }
  }

  return {
    whole: { number: 0, start: 0, end: size },
    fields,
    text: ({ start, end }, maxBytes = MAX_TEXT) => {
      if (end - start > maxBytes) throw new Error('a text is too long');
      const bytes = Buffer.alloc(end - start);
      readSync(handle, bytes, 0, bytes.length, start);
      return bytes.toString('utf8');
    },
    close: () => closeSync(handle),
  };
}
