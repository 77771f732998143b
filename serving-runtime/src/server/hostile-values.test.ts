/** Requests that are well-formed and mean harm, or nothing: the same answer over both protocols, and a server that is none the worse for it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { grpcClient } from '../testing/grpc-client.ts';
import type { GrpcClient } from '../testing/grpc-client.ts';
import { startTarget } from '../testing/target.ts';
import type { Target } from '../testing/target.ts';

let target: Target;
let client: GrpcClient;
beforeAll(async () => {
  target = await startTarget();
  client = grpcClient(target.server.ports.http);
});
afterAll(async () => {
  client.close();
  await target.stop();
});
afterEach(() => target.expectWell());

interface Input {
  readonly name?: string;
  readonly datatype: string;
  readonly shape: readonly unknown[];
  readonly data?: unknown;
}

async function overHttp(model: string, body: string | object): Promise<unknown> {
  const { status, json } = await target.server.post(`/v2/models/${model}/infer`, body);
  const { outputs, error } = json as { outputs?: [{ data: unknown }]; error?: string };
  // Never a path, a stack, or the words of a library.
  expect(error ?? '').not.toMatch(/onnx|node:|\/src\/|\.ts\b|at .*:\d+/i);
  return error === undefined ? outputs?.[0].data : `${status} ${error}`;
}

const ask = (model: string, ...inputs: readonly Input[]) =>
  overHttp(model, { inputs: inputs.map((input) => ({ name: 'x', ...input })) });
/** With the numbers as they are written, which JavaScript would round. */
const askText = (model: string, datatype: string, data: string, shape = '[1]') =>
  overHttp(model, `{"inputs":[{"name":"x","datatype":"${datatype}","shape":${shape},"data":${data}}]}`);

const CONTENTS: Readonly<Record<string, string>> = {
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  FP16: 'fp32_contents',
  INT8: 'int_contents',
  INT64: 'int64_contents',
  UINT64: 'uint64_contents',
  BOOL: 'bool_contents',
  BYTES: 'bytes_contents',
};

async function overGrpc(model: string, input: Input, more: object = {}): Promise<unknown> {
  const { data = [], ...tensor } = input;
  const field = CONTENTS[input.datatype] ?? 'fp32_contents';
  const inputs = [{ name: 'x', ...tensor, contents: { [field]: data } }];
  try {
    const { answer } = await client.call('ModelInfer', { model_name: model, inputs, ...more });
    return (answer['outputs'] as [{ contents: Record<string, unknown> }])[0].contents[field];
  } catch (cause) {
    const { code, details } = cause as { code: number; details: string };
    return `${code} ${details}`;
  }
}

describe('shapes', () => {
  it.each<[string, unknown[]]>([
    ['a negative pair, whose product is not', [-1, -2]],
    ['a product that wraps to 0 in 64 bits', [2 ** 32, 2 ** 32]],
    ['a product that wraps to a small one', [16, 2 ** 60 + 2]],
    ['beyond 2^53', [2 ** 53 + 2]],
    ['2^63', [2 ** 63]],
    ['more than a request may hold', [64 * 1024 * 1024 + 1]],
    ['nothing, by a size that says how large the result is', [0, 2 ** 60]],
    ['the same the other way round', [2 ** 60, 0]],
    ['no rows, and two sizes that are too many together', [8192, 0, 8193]],
    ['tens of thousands of dimensions', Array.from({ length: 50_000 }, () => 1)],
  ])('are refused: %s', async (_, shape) => {
    const [http, grpc] = [
      await ask('matrix', { datatype: 'FP32', shape, data: [] }),
      await overGrpc('matrix', { datatype: 'FP32', shape }),
    ];

    expect(http).toMatch(/^400 .*(whole numbers|more elements|dimensions)/);
    expect(grpc).toMatch(/^3 .*(whole numbers|more elements|dimensions)/);
  });

  it.each<[string, unknown]>([
    ['a fraction', [1.5]],
    ['a text', ['1']],
    ['null', [null]],
    ['a list in it', [[1]]],
    ['no list', 1],
    ['an object', { length: 1, 0: 1 }],
  ])('in JSON are refused: %s', async (_, shape) => {
    expect(await ask('single', { datatype: 'FP32', shape: shape as unknown[], data: [1] })).toMatch(
      /^400 .*whole numbers/,
    );
  });

  it('that JavaScript would round are refused', async () => {
    expect(await askText('single', 'FP32', '[]', '[9007199254740993]')).toMatch(/^400 .*more elements/);
    expect(await askText('single', 'FP32', '[]', '[9223372036854775807]')).toMatch(/^400 .*more elements/);
  });

  it('of no elements at all are answered', async () => {
    expect(await ask('matrix', { datatype: 'FP32', shape: [0, 4], data: [] })).toEqual([]);
    expect(await overGrpc('matrix', { datatype: 'FP32', shape: [4, 0] })).toEqual([]);
  });
});

describe('numbers', () => {
  it.each([
    ['tiny', 'INT8', '[128]'],
    ['tiny', 'INT8', '[-129]'],
    ['tiny', 'INT8', '[300]'],
    ['tiny', 'INT8', '[1.5]'],
    ['tiny', 'INT8', '["1"]'],
    ['tiny', 'INT8', '[true]'],
    ['tiny', 'INT8', '[null]'],
    ['tiny', 'INT8', '[[]]'],
    ['big', 'INT64', '[9007199254740993]'],
    ['big', 'INT64', '[9223372036854775808]'],
    ['big', 'INT64', '[1e30]'],
    ['natural', 'UINT64', '[-1]'],
    ['flag', 'BOOL', '[1]'],
    ['flag', 'BOOL', '["false"]'],
    ['single', 'FP32', '["1"]'],
    ['single', 'FP32', '[null]'],
    ['single', 'FP32', '[1e39]'],
    ['single', 'FP32', '[-1e999]'],
    ['double', 'FP64', '[1e309]'],
    ['half', 'FP16', '[65520]'],
    ['text', 'BYTES', '[1]'],
    ['text', 'BYTES', '[null]'],
  ])('are taken as they are, or not at all: %s gets %s %s', async (model, datatype, data) => {
    expect(await askText(model, datatype, data)).toMatch(/^400 .*(is no |has 0 elements)/);
  });

  it.each([['[NaN]'], ['[Infinity]'], ['[0x10]'], ['[01]'], ['[1,]'], ['[1']])(
    'that JSON does not have are refused: %s',
    async (data) => {
      expect(await askText('single', 'FP32', data)).toBe('400 the body is not valid JSON');
    },
  );

  it.each<[string, Input, unknown]>([
    ['tiny', { datatype: 'INT8', shape: [1], data: [300] }, '3 element 0 of input "x" is no INT8'],
    ['tiny', { datatype: 'INT8', shape: [2], data: [1, -129] }, '3 element 1 of input "x" is no INT8'],
    ['half', { datatype: 'FP16', shape: [1], data: [65_520] }, '3 element 0 of input "x" is no FP16'],
    ['single', { datatype: 'FP32', shape: [1], data: [Infinity] }, [Infinity]],
    ['half', { datatype: 'FP16', shape: [1], data: [-Infinity] }, [-Infinity]],
    ['big', { datatype: 'INT64', shape: [1], data: ['9007199254740993'] }, ['9007199254740993']],
    ['natural', { datatype: 'UINT64', shape: [1], data: ['18446744073709551615'] }, ['18446744073709551615']],
  ])('in typed contents, too: %s, %o', async (model, input, answer) => {
    expect(await overGrpc(model, input)).toEqual(answer);
  });
});

describe('raw contents', () => {
  const input = (name: string) => ({ name, datatype: 'FP32', shape: [1, 1] });
  const four = Buffer.alloc(4);

  it.each<[string, string, object, string]>([
    [
      'for more inputs than there are',
      'matrix',
      { inputs: [input('x')], raw_input_contents: [four, four] },
      'there are 2 raw_input_contents for 1 inputs; give one for each, or none',
    ],
    [
      'for fewer',
      'product',
      { inputs: [input('a'), input('b')], raw_input_contents: [four] },
      'there are 1 raw_input_contents for 2 inputs; give one for each, or none',
    ],
    [
      'beside typed ones',
      'matrix',
      { inputs: [{ ...input('x'), contents: { fp32_contents: [1] } }], raw_input_contents: [four] },
      'input "x" has both contents and raw_input_contents',
    ],
    [
      'of half a number',
      'matrix',
      { inputs: [input('x')], raw_input_contents: [Buffer.alloc(3)] },
      'input "x" has 3 bytes of raw data; its shape and datatype need 4',
    ],
    [
      'for an input that is there twice',
      'matrix',
      { inputs: [input('x'), input('x')], raw_input_contents: [four, four] },
      'an input is there twice',
    ],
  ])('are refused %s', async (_, model, body, details) => {
    await expect(client.call('ModelInfer', { model_name: model, ...body })).rejects.toMatchObject({ code: 3, details });
  });

  it('beside typed ones that are empty are taken: clients of MLServer send them so', async () => {
    const inputs = [{ ...input('x'), contents: { fp32_contents: [] } }];
    const { answer } = await client.call('ModelInfer', { model_name: 'matrix', inputs, raw_input_contents: [four] });

    expect(answer['raw_output_contents']).toEqual([four]);
  });
});

describe('text', () => {
  it.each([
    ['NUL', Buffer.from('a\0b'), /NUL character/],
    ['a byte that begins nothing', Buffer.from([0x61, 0xff]), /not valid UTF-8/],
    ['an overlong slash', Buffer.from([0xc0, 0xaf]), /not valid UTF-8/],
    ['a lone surrogate', Buffer.from([0xed, 0xa0, 0x80]), /not valid UTF-8/],
    ['half a character', Buffer.from([0xe2, 0x82]), /not valid UTF-8/],
  ])('is refused and never changed: %s', async (_, bytes, message) => {
    const tensor = { datatype: 'BYTES', shape: [1] };
    const raw = Buffer.concat([Buffer.from([bytes.length, 0, 0, 0]), bytes]);

    expect(await overGrpc('text', { ...tensor, data: [bytes] })).toMatch(message);
    expect(await overGrpc('text', tensor, { raw_input_contents: [raw] })).toMatch(message);
  });

  it('in JSON is refused: escapes of NUL and of half a character', async () => {
    expect(await askText('text', 'BYTES', String.raw`["a\u0000b"]`)).toMatch(/NUL character/);
    expect(await askText('text', 'BYTES', String.raw`["\ud800"]`)).toMatch(/not valid Unicode/);
  });

  it('in the id may be any, and comes back, but never in a header', async () => {
    const id = 'ä\r\nx: y\0\u{1f600}';
    const { json, headers } = await target.server.post('/v2/models/tiny/infer', {
      id,
      inputs: [{ name: 'x', datatype: 'INT8', shape: [1], data: [1] }],
    });
    const input = { name: 'x', datatype: 'INT8', shape: [1], contents: { int_contents: [1] } };
    const { answer, metadata } = await client.call('ModelInfer', { id, model_name: 'tiny', inputs: [input] });

    expect([json['id'], answer['id']]).toEqual([id, id]);
    expect([headers.get('x'), headers.get('x-request-id'), metadata.get('x-request-id')[0]]).toEqual([
      null,
      expect.stringMatching(/^[0-9a-f-]{36}$/),
      expect.stringMatching(/^[0-9a-f-]{36}$/),
    ]);
  });
});

describe('names in JSON', () => {
  const one = { datatype: 'FP32', shape: [1], data: [1] };

  it('that mean something to JavaScript mean nothing here', async () => {
    const prototype = '{"__proto__":{"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]}}';
    const inInput = '{"inputs":[{"name":"x","datatype":"FP32","__proto__":{"shape":[1],"data":[1]}}]}';

    expect(await overHttp('single', prototype)).toBe('400 "inputs" must be a list');
    expect(await overHttp('single', inInput)).toBe('400 input "x" has no shape; give a list of whole numbers');
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(await ask('single', { ...one, name })).toBe(`400 the model has no input "${name}"; it has: x`);
      expect(await ask('single', { ...one, datatype: name })).toBe('400 input "x" has no datatype that is known');
    }
  });

  it('that are there twice count once, the last time, as in every parser of JavaScript', async () => {
    expect(
      await overHttp(
        'single',
        '{"inputs":[],"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1],"data":[2]}]}',
      ),
    ).toEqual([2]);
  });

  it('of inputs may not be there twice, nor be long in the answer', async () => {
    const long = 'ü'.repeat(100_000);

    expect(await ask('single', one, one)).toBe('400 input "x" is there twice');
    expect(String(await ask('single', { ...one, name: long })).length).toBeLessThan(300);
    expect(await overGrpc('single', { ...one, name: long })).toMatch(/^3 the model has no input "ü{63}…"; it has: x$/);
  });
});
