/** JSON that is long is worked on by another thread; nothing but that may be different. */
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { RequestError } from '../../protocol/errors.ts';
import { createJsonCodec } from './json-codec.ts';

const codec = createJsonCodec({ threads: 1, maxWaitingBytes: 2 ** 20, idleMs: 60_000 });
const { signal } = new AbortController();
const SPACES = 300 * 1024;

/** The same JSON, in more bytes than are parsed at once. */
function long(body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.alloc(SPACES, ' '), body]);
}

/** What comes of it, or what the client would be told. */
async function outcome(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (cause) {
    return cause instanceof RequestError ? { code: cause.code, message: cause.message } : cause;
  }
}

const input = (datatype: string, data: string, shape = '[2]') =>
  Buffer.from(`{"inputs": [{"name": "x", "datatype": "${datatype}", "shape": ${shape}, "data": ${data}}]}`);

describe('a long body is read as a short one', () => {
  it.each([
    ['floats', input('FP32', '[0.1, -2]')],
    ['halves', input('FP16', '[0.1, -2]')],
    ['whole numbers', input('INT64', '[9007199254740991, -1]')],
    ['truths', input('BOOL', '[true, false]')],
    ['text', input('BYTES', '["ä", ""]')],
    ['nested lists', input('FP64', '[[1], [2]]', '[2, 1]')],
    [
      'all that a request may say',
      Buffer.from(
        `{"id": "a", "parameters": {"timeout": 5000, "binary_data_output": true}, "inputs": [],
          "outputs": [{"name": "y", "parameters": {"binary_data": false}}, {"name": "z"}]}`,
      ),
    ],
  ])('%s', async (_, body) => {
    const short = await outcome(() => codec.parseInfer(Buffer.from(body), undefined, signal));

    expect(short).toHaveProperty('inputs');
    expect(await outcome(() => codec.parseInfer(long(body), undefined, signal))).toEqual(short);
  });

  it('with tensors as bytes behind it', async () => {
    const json = Buffer.from(
      '{"inputs": [{"name": "x", "datatype": "INT16", "shape": [2], "parameters": {"binary_data_size": 4}}]}',
    );
    const body = Buffer.concat([long(json), Buffer.from([1, 0, 255, 255])]);
    const { inputs } = await codec.parseInfer(body, SPACES + json.length, signal);

    expect(inputs[0]?.data).toEqual(Int16Array.of(1, -1));
  });

  it("of KServe's protocol v1", async () => {
    const body = Buffer.from('{"instances": [[1, 2], [3, 4]]}');
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }];
    const short = await codec.parsePredict(Buffer.from(body), inputs, signal);

    expect(short.inputs[0]?.shape).toEqual([2, 2]);
    expect(await codec.parsePredict(long(body), inputs, signal)).toEqual(short);
  });
});

describe('a long body is refused with the words for a short one', () => {
  it.each([
    ['no JSON', Buffer.from('{"inputs"')],
    ['NaN', input('FP32', '[NaN, 1]')],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
    ['too deep', Buffer.from(`{"inputs":${'['.repeat(5000)}${']'.repeat(5000)}}`)],
    ['no object', Buffer.from('[]')],
    ['beyond 2^53', input('INT64', '[9007199254740993, 1]')],
    ['beyond the datatype', input('INT8', '[300, 1]')],
    ['half a whole number', input('INT32', '[1.5, 1]')],
    ['too few values', input('FP32', '[1]')],
    ['too many values', input('FP32', '[1, 2, 3]')],
    ['a shape that overflows', input('FP32', '[1]', '[4294967296, 4294967296]')],
    ['text with NUL', input('BYTES', '["a\\u0000", ""]')],
    ['half a surrogate pair', input('BYTES', '["\\ud800", ""]')],
  ])('%s', async (_, body) => {
    const short = await outcome(() => codec.parseInfer(Buffer.from(body), undefined, signal));

    expect(short).toEqual({ code: 'InvalidArgument', message: expect.any(String) });
    expect(await outcome(() => codec.parseInfer(long(body), undefined, signal))).toEqual(short);
  });
});

const response = (data: Float32Array | readonly string[]) => ({
  modelName: 'm',
  modelVersion: '1',
  id: 'i',
  outputs: [{ name: 'y', datatype: 'FP32', shape: [data.length], data }] as const,
});
const JSON_ONLY = { byDefault: false, byName: new Map<string, boolean>() };
const parsed = (body: Uint8Array) => JSON.parse(Buffer.from(body).toString()) as Record<string, unknown>;

describe('a long answer', () => {
  const all = Float32Array.from({ length: 40_000 }, (_, index) => index / 10);

  it('is the one that a short one would be', async () => {
    const part = all.subarray(20_000);
    const { body, jsonLength } = await codec.buildInfer(response(part), JSON_ONLY);

    expect(jsonLength).toBeUndefined();
    expect(parsed(body)).toEqual({
      model_name: 'm',
      model_version: '1',
      id: 'i',
      outputs: [
        {
          name: 'y',
          datatype: 'FP32',
          shape: [20_000],
          data: Array.from({ length: 20_000 }, (_, index) => (index + 20_000) / 10),
        },
      ],
    });
  });

  it("leaves the results to whoever else holds them, also by KServe's protocol v1", async () => {
    const before = Array.from(all);

    expect(parsed(await codec.buildPredict(response(all)))).toEqual({ predictions: before });
    expect(Array.from(all)).toEqual(before);
  });

  it('has an end', async () => {
    const most = new Float32Array(4 * 1024 * 1024 + 1);

    expect(await outcome(() => codec.buildInfer(response(most), JSON_ONLY))).toEqual({
      code: 'InvalidArgument',
      message: 'the outputs have 4194305 elements, and an answer in JSON at most 4194304; ask for them as binary data',
    });
    const { body } = await codec.buildInfer(response(most), { ...JSON_ONLY, byDefault: true });
    expect(body.length).toBeGreaterThan(most.byteLength);
  });
});

/** How often this thread could do something else before it was done. */
async function turnsDuring(work: () => unknown): Promise<number> {
  let isDone = false;
  let turns = 0;
  const done = Promise.resolve(work()).finally(() => (isDone = true));
  for (; !isDone; turns += 1) await nextTurn();
  await done;
  return turns;
}

describe('meanwhile', () => {
  it('this thread goes on', async () => {
    const body = input('INT64', `[${Array.from({ length: 200_000 }, () => '1').join()}]`, '[200000]');
    const answer = response(new Float32Array(200_000).fill(0.1));

    expect(await turnsDuring(() => codec.parseInfer(body, undefined, signal))).toBeGreaterThan(10);
    expect(await turnsDuring(() => codec.buildInfer(answer, JSON_ONLY))).toBeGreaterThan(10);
  });

  it('what its client has given up is not read, and what is too much is refused', async () => {
    const gone = new AbortController();
    const body = long(input('FP32', '[1, 2]'));
    const ask = (given: AbortSignal) => outcome(() => codec.parseInfer(Buffer.from(body), undefined, given));
    const [running, ...more] = [ask(signal), ask(gone.signal), ask(signal), ask(signal), ask(signal)];
    gone.abort();

    expect(await running).toHaveProperty('inputs');
    expect(await Promise.all(more)).toEqual([
      { code: 'Cancelled', message: 'the client gave up' },
      expect.objectContaining({ inputs: expect.any(Array) }),
      expect.objectContaining({ inputs: expect.any(Array) }),
      { code: 'Unavailable', message: expect.stringContaining('too many large JSON bodies wait') },
    ]);
  });

  it('a thread that was not needed for a while is replaced when one is', async () => {
    const brief = createJsonCodec({ threads: 1, maxWaitingBytes: 2 ** 20, idleMs: 0 });
    const body = long(input('FP32', '[1, 2]'));
    for (let round = 0; round < 3; round += 1) {
      await expect(brief.parseInfer(Buffer.from(body), undefined, signal)).resolves.toHaveProperty('inputs');
      await sleep(20);
    }
  });
});
