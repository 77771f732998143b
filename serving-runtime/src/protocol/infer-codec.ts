/** ModelInferRequest and ModelInferResponse as bytes, by hand: they are what every inference costs. The numbers are those of proto/inference.proto. */
import type { Contents, WireParameter, WireRequest, WireResponse, WireTensor } from './grpc-messages.ts';
import { invalid } from './errors.ts';
import type { RequestError } from './errors.ts';
import { MAX_BYTES_ELEMENTS } from './element-budget.ts';
import { MAX_TENSORS } from './inference.ts';
import { ProtobufReader, WireType } from './protobuf/protobuf-reader.ts';
import { lengthOfVarint, ProtobufWriter } from './protobuf/protobuf-writer.ts';

/** Tensors, parameters and dimensions of a request: an empty one takes two bytes to send and hundreds to hold. */
const MAX_ENTRIES = MAX_TENSORS;
/** Numbers in typed contents, for the same reason: as many floats as fit in a message that KServe's own server takes (8 MiB). */
const MAX_TYPED_NUMBERS = 2 * 1024 * 1024;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** @throws {RequestError} The bytes of the tensors are those of the message, not copies. */
export function decodeInferRequest(message: Buffer): WireRequest {
  const reader = new ProtobufReader(message);
  const parameters: Record<string, WireParameter> = Object.create(null) as Record<string, WireParameter>;
  const inputs: WireTensor[] = [];
  const outputs: { name: string }[] = [];
  const raw: Buffer[] = [];
  const request: Writable<WireRequest> = {
    model_name: '',
    model_version: '',
    id: '',
    parameters,
    inputs,
    outputs,
    raw_input_contents: raw,
  };
  let entries = 0;
  const room: ContentsRoom = { numbers: MAX_TYPED_NUMBERS, texts: MAX_BYTES_ELEMENTS };
  while (reader.hasMore) {
    const field = reader.tag();
    if (field >= 4) entries += 1;
    if (entries > MAX_ENTRIES) throw tooMany('tensors and parameters', MAX_ENTRIES);
    if (field === 1) request.model_name = reader.text();
    else if (field === 2) request.model_version = reader.text();
    else if (field === 3) request.id = reader.text();
    else if (field === 4) readParameter(reader, parameters);
    else if (field === 5) inputs.push(readInput(reader, room));
    else if (field === 6) outputs.push(readOutput(reader));
    else if (field === 7) raw.push(reader.bytes());
    else reader.skip();
  }
  return request;
}

function tooMany(what: string, limit: number): RequestError {
  return invalid(`the request has more ${what} than ${limit}`);
}

function readParameter(reader: ProtobufReader, parameters: Record<string, WireParameter>): void {
  let key = '';
  let value: WireParameter = {};
  reader.nested(() => {
    const field = reader.tag();
    if (field === 1) key = reader.text();
    else if (field === 2) value = readParameterValue(reader);
    else reader.skip();
  });
  parameters[key] = value;
}

function readParameterValue(reader: ProtobufReader): WireParameter {
  let value: WireParameter = {};
  reader.nested(() => {
    const field = reader.tag();
    if (field === 3) value = { string_param: reader.text() };
    else if (field === 4 && reader.wireType === WireType.fixed64) value = { double_param: reader.double() };
    else if (reader.wireType !== WireType.varint) reader.skip();
    else if (field === 1) value = { bool_param: reader.varint() !== 0 };
    else if (field === 2) value = { int64_param: reader.int64() };
    else if (field === 5) value = { uint64_param: reader.uint64() };
    else reader.skip();
  });
  return value;
}

/** What typed contents of all inputs together may still hold. */
interface ContentsRoom {
  numbers: number;
  texts: number;
}

function readInput(reader: ProtobufReader, room: ContentsRoom): WireTensor {
  const shape: number[] = [];
  const input: Writable<WireTensor> = { name: '', datatype: '', shape };
  const readSize = () => {
    if (shape.length === MAX_ENTRIES) throw tooMany('dimensions of a tensor', MAX_ENTRIES);
    shape.push(reader.int64AsNumber());
  };
  reader.nested(() => {
    const field = reader.tag();
    if (field === 1) input.name = reader.text();
    else if (field === 2) input.datatype = reader.text();
    else if (field === 3) reader.repeated(WireType.varint, readSize);
    else if (field === 5) input.contents = readContents(reader, input.contents ?? {}, room);
    else reader.skip();
  });
  return input;
}

function readOutput(reader: ProtobufReader): { name: string } {
  const output = { name: '' };
  reader.nested(() => {
    if (reader.tag() === 1) output.name = reader.text();
    else reader.skip();
  });
  return output;
}

interface ContentsField {
  readonly name: Exclude<keyof Contents, 'bytes_contents'>;
  readonly wireType: number;
  readonly read: (reader: ProtobufReader) => boolean | number | bigint;
}
const CONTENTS_FIELDS: Readonly<Record<number, ContentsField>> = {
  1: { name: 'bool_contents', wireType: WireType.varint, read: (reader) => reader.varint() !== 0 },
  2: { name: 'int_contents', wireType: WireType.varint, read: (reader) => Number(BigInt.asIntN(32, reader.uint64())) },
  3: { name: 'int64_contents', wireType: WireType.varint, read: (reader) => reader.int64() },
  4: {
    name: 'uint_contents',
    wireType: WireType.varint,
    read: (reader) => Number(BigInt.asUintN(32, reader.uint64())),
  },
  5: { name: 'uint64_contents', wireType: WireType.varint, read: (reader) => reader.uint64() },
  6: { name: 'fp32_contents', wireType: WireType.fixed32, read: (reader) => reader.float() },
  7: { name: 'fp64_contents', wireType: WireType.fixed64, read: (reader) => reader.double() },
};

function readContents(reader: ProtobufReader, before: Contents, room: ContentsRoom): Contents {
  const contents: Partial<Record<keyof Contents, unknown[]>> = before as Partial<Record<keyof Contents, unknown[]>>;
  reader.nested(() => {
    const number = reader.tag();
    const field = CONTENTS_FIELDS[number];
    if (number === 8) {
      if (--room.texts < 0) throw tooMany('BYTES elements outside raw contents', MAX_BYTES_ELEMENTS);
      (contents.bytes_contents ??= []).push(reader.bytes());
    } else if (field === undefined) reader.skip();
    else {
      const values = (contents[field.name] ??= []);
      reader.repeated(field.wireType, () => {
        if (--room.numbers < 0) throw tooMany('numbers outside raw contents', MAX_TYPED_NUMBERS);
        values.push(field.read(reader));
      });
    }
  });
  return contents as Contents;
}

const writer = new ProtobufWriter();
const PREFIX_BYTES = 5;

/** With the prefix of gRPC. */
export function encodeInferResponse(response: WireResponse): Buffer {
  writeResponse(writer, response);
  return framed(writer.take(), response.raw_output_contents, RAW_OUTPUT_CONTENTS);
}

/** Of Triton's streams: either an error or an answer. */
export function encodeStreamResponse(message: { error_message: string } | { infer_response: WireResponse }): Buffer {
  if ('error_message' in message) {
    writer.text(1, message.error_message);
  } else {
    writer.tag(2, WireType.bytes);
    writer.nested(() => {
      writeResponse(writer, message.infer_response);
      for (const raw of message.infer_response.raw_output_contents) writer.bytes(RAW_OUTPUT_CONTENTS, raw);
    });
  }
  return framed(writer.take(), [], 0);
}

const RAW_OUTPUT_CONTENTS = 6;

/** `head`, and then what may be large, copied once. */
function framed(head: Buffer, parts: readonly Uint8Array[], field: number): Buffer {
  let length = head.length;
  for (const part of parts) length += 1 + lengthOfVarint(part.length) + part.length;
  const message = Buffer.allocUnsafe(PREFIX_BYTES + length);
  message[0] = 0;
  message.writeUInt32BE(length, 1);
  message.set(head, PREFIX_BYTES);
  let offset = PREFIX_BYTES + head.length;
  for (const part of parts) {
    writer.tag(field, WireType.bytes);
    writer.varint(part.length);
    const prefix = writer.take();
    message.set(prefix, offset);
    message.set(part, offset + prefix.length);
    offset += prefix.length + part.length;
  }
  return message;
}

/** All but the raw contents. */
function writeResponse(to: ProtobufWriter, { model_name, model_version, id, outputs }: WireResponse): void {
  to.text(1, model_name);
  to.text(2, model_version);
  to.text(3, id);
  for (const output of outputs) {
    to.tag(5, WireType.bytes);
    to.nested(() => {
      to.text(1, output.name);
      to.text(2, output.datatype);
      writePacked(to, 3, output.shape, (size) => to.int64(size));
      if (output.contents !== undefined) writeContents(to, output.contents);
    });
  }
}

function writePacked<T>(to: ProtobufWriter, field: number, values: readonly T[], write: (value: T) => void): void {
  if (values.length === 0) return;
  to.tag(field, WireType.bytes);
  to.nested(() => values.forEach(write));
}

function writeContents(to: ProtobufWriter, contents: Contents): void {
  to.tag(5, WireType.bytes);
  to.nested(() => {
    writePacked(to, 1, contents.bool_contents ?? [], (value) => to.varint(value ? 1 : 0));
    writePacked(to, 2, contents.int_contents ?? [], (value) => to.int64(value));
    writePacked(to, 3, contents.int64_contents ?? [], (value) => to.int64(value));
    writePacked(to, 4, contents.uint_contents ?? [], (value) => to.int64(value));
    writePacked(to, 5, contents.uint64_contents ?? [], (value) => to.int64(value));
    writePacked(to, 6, contents.fp32_contents ?? [], (value) => to.float(value));
    writePacked(to, 7, contents.fp64_contents ?? [], (value) => to.double(value));
    for (const bytes of contents.bytes_contents ?? []) to.bytes(8, bytes);
  });
}
