/** More of everything than anybody needs: what takes little to send, and much to hold or to look through. */
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

describe('counts', () => {
  const one = { name: 'x', datatype: 'INT8', shape: [0], data: [] };
  const many = (count: number) => Array.from({ length: count }, (_, index) => ({ ...one, name: String(index) }));

  it.each<[string, object, RegExp]>([
    ['inputs', { inputs: many(4097) }, /^400 "inputs" has more than 4096 entries$/],
    ['inputs, as many as may be', { inputs: many(4096) }, /^400 the model has no input "0"; it has: x$/],
    ['inputs of one name', { inputs: [...many(4095), { ...one, name: '0' }] }, /^400 input "0" is there twice$/],
    ['outputs', { inputs: [one], outputs: many(4097) }, /^400 "outputs" has more than 4096 entries$/],
    [
      'outputs of one name',
      { inputs: [one], outputs: [{ name: 'y' }, { name: 'y' }] },
      /^400 an output is asked for twice$/,
    ],
    ['outputs that there are not', { inputs: [one], outputs: many(2) }, /^400 the model has no output "0"; it has: y$/],
  ])('have a bound: %s', async (_, body, message) => {
    const { status, json } = await target.server.post('/v2/models/tiny/infer', body);

    expect(`${status} ${(json as { error?: string }).error}`).toMatch(message);
  });

  it.each<[string, string, number]>([
    ['integers of 64 bits, which take a byte to send and 32 to hold', 'big', 3],
    ['truths', 'flag', 1],
  ])('of typed contents have a bound: %s', async (_, model, field) => {
    const flood = client.callRaw('ModelInfer', typedContents(model, field, 16 * 1024 * 1024));

    expect(await target.askDuring(flood)).toBeGreaterThan(0);
    await expect(flood).rejects.toMatchObject({
      code: 3,
      details: 'the request has more numbers outside raw contents than 2097152',
    });
  });

  it('of BYTES elements have a bound, also in raw contents', async () => {
    const elements = 4 * 1024 * 1024;
    const input = { name: 'x', datatype: 'BYTES', shape: [elements] };
    const flood = client.call('ModelInfer', {
      model_name: 'text',
      inputs: [input],
      raw_input_contents: [Buffer.alloc(4 * elements)],
    });

    await expect(flood).rejects.toMatchObject({
      code: 3,
      details: expect.stringContaining('than a request may hold (1048576)'),
    });
  });

  it('of BYTES elements have it for all inputs together', async () => {
    const elements = 1024 * 1024;
    const inputs = ['x', 'y'].map((name) => ({ name, datatype: 'BYTES', shape: [elements] }));
    const raw = Buffer.alloc(4 * elements);
    const flood = client.call('ModelInfer', { model_name: 'text', inputs, raw_input_contents: [raw, raw] });

    await expect(flood).rejects.toMatchObject({ code: 3, details: expect.stringContaining('the shape of input "y"') });
  });
});

it('a result that is large beyond what was sent is refused before it is copied', { timeout: 60_000 }, async () => {
  const size = 12_000;
  const inputs = [
    { name: 'a', datatype: 'FP32', shape: [size, 1] },
    { name: 'b', datatype: 'FP32', shape: [1, size] },
  ];
  const raw = Buffer.alloc(4 * size);

  await expect(
    client.call('ModelInfer', { model_name: 'product', inputs, raw_input_contents: [raw, raw] }),
  ).rejects.toMatchObject({
    code: 8,
    details: 'the results are larger than 536870912 bytes; send fewer rows at a time',
  });
});

/** A ModelInferRequest with `count` zeros in one field of the contents, packed. */
function typedContents(model: string, field: number, count: number): Buffer {
  const bytes = (number: number, body: Uint8Array) =>
    Buffer.concat([varint(number * 8 + 2), varint(body.length), body]);
  const contents = bytes(5, bytes(field, Buffer.alloc(count)));
  const datatype = field === 3 ? 'INT64' : 'BOOL';
  const shape = Buffer.concat([varint(3 * 8), varint(count)]);
  const input = Buffer.concat([bytes(1, Buffer.from('x')), bytes(2, Buffer.from(datatype)), shape, contents]);
  return Buffer.concat([bytes(1, Buffer.from(model)), bytes(5, input)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length === 0; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
  }
  return Buffer.from(bytes);
}
