/** Our codec against protobufjs, which reads the .proto file. */
import { join } from 'node:path';
import { loadSync } from '@grpc/proto-loader';
import type { MessageTypeDefinition } from '@grpc/proto-loader';
import {
  array,
  assert,
  bigInt,
  boolean,
  constant,
  dictionary,
  double,
  float,
  integer,
  nat,
  oneof,
  property,
  record,
  string,
  uint8Array,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeInferRequest, encodeInferResponse, encodeStreamResponse } from './infer-codec.ts';

const proto = loadSync(join(import.meta.dirname, 'proto', 'inference.proto'), {
  keepCase: true,
  longs: String,
  defaults: true,
  arrays: true,
});
const definitionOf = (name: string) => proto[`inference.${name}`] as MessageTypeDefinition<object, object>;
const PREFIX_BYTES = 5;

const text = string({ unit: 'binary', maxLength: 20 });
const int64 = bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const uint64 = bigInt({ min: 0n, max: 2n ** 64n - 1n });
const shape = array(oneof(nat(), integer(), nat(200)), { maxLength: 4 });
const bytes = uint8Array({ maxLength: 300 }).map((value) => Buffer.from(value));
const contents = record(
  {
    bool_contents: array(boolean()),
    int_contents: array(integer()),
    int64_contents: array(int64),
    uint_contents: array(nat()),
    uint64_contents: array(uint64),
    fp32_contents: array(float({ noNaN: true })),
    fp64_contents: array(double({ noNaN: true })),
    bytes_contents: array(bytes),
  },
  { requiredKeys: [] },
);
const tensor = record({ name: text, datatype: text, shape, contents }, { requiredKeys: ['name', 'datatype', 'shape'] });
const parameter = oneof(
  record({ bool_param: boolean() }),
  record({ int64_param: int64 }),
  record({ string_param: text }),
  record({ double_param: double({ noNaN: true }) }),
  record({ uint64_param: uint64 }),
);
const request = record({
  model_name: text,
  model_version: text,
  id: text,
  parameters: dictionary(
    string({ maxLength: 5 }).filter((key) => key !== '__proto__'),
    parameter,
  ),
  inputs: array(tensor, { maxLength: 4 }),
  outputs: array(record({ name: text }), { maxLength: 4 }),
  raw_input_contents: array(bytes, { maxLength: 4 }),
});
const response = record({
  model_name: text,
  model_version: text,
  id: text,
  outputs: array(tensor, { maxLength: 4 }),
  raw_output_contents: array(oneof(bytes, constant(Buffer.alloc(70_000, 1))), { maxLength: 3 }),
});

/** Whole numbers of 64 bits as text, as protobufjs takes and gives them; lists that are empty as if they were not there. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Buffer.isBuffer(value)) return value.toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, part]) => part !== null && !(Array.isArray(part) && part.length === 0))
      .map(([key, part]) => [key, key === 'shape' ? (part as unknown[]).map(String) : plain(part)]),
  );
}

/** What protobufjs takes: the same, but its own bytes. */
function forProtobufjs(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(forProtobufjs);
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, forProtobufjs(part)]));
}

describe('ModelInferRequest', () => {
  it('is read as it was written', () => {
    assert(
      property(request, (sent) => {
        const encoded = definitionOf('ModelInferRequest').serialize(forProtobufjs(sent) as object);
        expect(plain(decodeInferRequest(encoded))).toEqual(plain(sent));
      }),
    );
  });

  it('is refused or read, whatever the bytes are', () => {
    assert(
      property(request, nat(), uint8Array({ minLength: 1, maxLength: 8 }), (sent, at, noise) => {
        const encoded = Buffer.from(definitionOf('ModelInferRequest').serialize(forProtobufjs(sent) as object));
        encoded.set(noise.subarray(0, encoded.length), Math.max(0, (at % (encoded.length + 1)) - noise.length));
        try {
          decodeInferRequest(encoded);
        } catch (cause) {
          expect(cause).toMatchObject({ name: 'RequestError', code: 'InvalidArgument' });
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ['a length beyond the end', '0a05616263'],
    ['a varint without an end', '0affffffffffffffffffff'],
    ['field 0', '0000'],
    ['a group', '0b0c'],
    ['a text with an overlong character', '0a02c080'],
    ['a text where a number should be', '0801'],
    ['a nested message that is longer than its parent', '2a040a0a6162'],
    ['half a float', '2a052a0332020000'],
  ])('with %s is refused', (_, hex) => {
    expect(() => decodeInferRequest(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'InvalidArgument' }),
    );
  });

  it.each([
    ['tensors', '2a00', 4097],
    ['raw contents', '3a00', 4097],
    ['BYTES elements', '4200', 1_048_577],
  ])('with a flood of %s, which take two bytes each, is refused', (_, hex, count) => {
    const flood = Buffer.alloc(count * 2, hex, 'hex');
    const wrapped = (field: number, body: Buffer) => {
      const length = [];
      for (let rest = body.length; rest > 0; rest >>>= 7) length.push((rest & 0x7f) | (rest >= 0x80 ? 0x80 : 0));
      return Buffer.concat([Buffer.of(field * 8 + 2, ...length), body]);
    };
    const message = hex === '4200' ? wrapped(5, wrapped(5, flood)) : flood;

    expect(() => decodeInferRequest(message)).toThrow('more');
  });
});

describe('ModelInferResponse', () => {
  it('is read by protobufjs as it was written', () => {
    assert(
      property(response, (sent) => {
        const message = encodeInferResponse(sent);
        expect(message.readUInt32BE(1)).toBe(message.length - PREFIX_BYTES);
        const read = definitionOf('ModelInferResponse').deserialize(message.subarray(PREFIX_BYTES));
        expect(plain({ parameters: [], ...read })).toMatchObject(plain(sent) as object);
      }),
    );
  });

  it('of a stream too', () => {
    assert(
      property(response, (sent) => {
        const message = encodeStreamResponse({ infer_response: sent });
        const read = definitionOf('ModelStreamInferResponse').deserialize(message.subarray(PREFIX_BYTES));
        expect(plain(read)).toMatchObject({ error_message: '', infer_response: plain(sent) });
      }),
    );
  });
});
