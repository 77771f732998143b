import { describe, expect, it } from 'vitest';
import type { Datatype, TensorData } from '../../protocol/datatypes.ts';
import { payloadLine, startsOf } from './payload.ts';
import { isSampled } from './sampling.ts';

const FACTS = { time: '2026-11-29T10:00:00.000Z', requestId: 'r', id: 'i', model: 'm', version: '1', durationMs: 0.5 };

const tensor = (datatype: Datatype, data: TensorData, name = 'x') => ({ name, datatype, shape: [data.length], data });

function written(
  tensors: readonly ReturnType<typeof tensor>[],
  maxBytes: number,
): { inputs: Record<string, unknown>[] } {
  const inputs = startsOf(tensors, maxBytes);
  const line = payloadLine({ ...FACTS, inputs, outputs: undefined, error: 'no' }, maxBytes);
  expect(line.endsWith('}\n')).toBe(true);
  return JSON.parse(line) as { inputs: Record<string, unknown>[] };
}

describe('a line', () => {
  it('says who asked what, and what was answered', () => {
    const inputs = startsOf([tensor('FP32', Float32Array.of(0.1, -2))], 100);
    const outputs = startsOf([tensor('INT64', BigInt64Array.of(9007199254740993n), 'y')], 100);

    expect(payloadLine({ ...FACTS, inputs, outputs, error: undefined }, 100)).toBe(
      '{"time":"2026-11-29T10:00:00.000Z","requestId":"r","id":"i","model":"m","version":"1","durationMs":0.5,' +
        '"inputs":[{"name":"x","shape":[2],"datatype":"FP32","data":[0.1,-2]}],' +
        '"outputs":[{"name":"y","shape":[1],"datatype":"INT64","data":[9007199254740993]}]}\n',
    );
  });

  it('says what failed instead of outputs', () => {
    expect(written([], 100)).toEqual({ ...FACTS, inputs: [], error: 'no' });
  });

  it.each<[Datatype, TensorData, unknown[]]>([
    ['BOOL', Uint8Array.of(0, 1), [false, true]],
    ['FP16', Uint16Array.of(0x3c00, 0xc000), [1, -2]],
    ['FP64', Float64Array.of(0.1, NaN), [0.1, null]],
    ['UINT8', Uint8Array.of(1, 255), [1, 255]],
    ['BYTES', ['ä"', ''], ['ä"', '']],
  ])('has the values of %s as answers do', (datatype, data, expected) => {
    expect(written([tensor(datatype, data)], 100).inputs[0]).toMatchObject({ data: expected });
  });

  it('has no more of the values than it may, and says so', () => {
    const many = tensor('INT32', new Int32Array(100_000).fill(7));
    const [first, second] = written([many, tensor('INT32', Int32Array.of(1), 'z')], 20).inputs;

    expect(first).toEqual({ name: 'x', shape: [100_000], datatype: 'INT32', truncated: true, data: Array(10).fill(7) });
    expect(second).toEqual({ name: 'z', shape: [1], datatype: 'INT32', truncated: true, data: [] });
  });

  it('counts bytes of text, not characters', () => {
    const texts = tensor('BYTES', ['ääää', 'a'.repeat(1_000_000)]);

    expect(written([texts], 11).inputs[0]).toMatchObject({ truncated: true, data: ['ääää'] });
    expect(written([texts], 10).inputs[0]).toMatchObject({ truncated: true, data: [] });
  });
});

it('what is copied of a large tensor is small, and a copy', () => {
  const data = new Float64Array(1_000_000);
  const [copied] = startsOf([tensor('FP64', data)], 100).map((start) => start.data as Float64Array);

  expect(copied).toHaveLength(50);
  expect(copied?.buffer.byteLength).toBe(400);
});

describe('a sample', () => {
  const ids = Array.from({ length: 10_000 }, (_, index) => `request-${index}`);

  it('has about as many as it says, and a larger one has them too', () => {
    const small = ids.filter((id) => isSampled(id, 0.1));

    expect(Math.abs(small.length - 1000)).toBeLessThan(150);
    expect(small.every((id) => isSampled(id, 0.3))).toBe(true);
  });

  it('is all, or none, at the ends', () => {
    expect(ids.filter((id) => isSampled(id, 1))).toHaveLength(ids.length);
    expect(ids.filter((id) => isSampled(id, 0))).toEqual([]);
  });

  it('is what others find by the same rule: sha256("request-1") begins with its bytes', () => {
    const part = Number.parseInt(HASH_OF_REQUEST_1.slice(0, 8), 16) / 2 ** 32;

    expect(isSampled('request-1', part)).toBe(false);
    expect(isSampled('request-1', part + 1e-9)).toBe(true);
  });
});

/** `printf request-1 | sha256sum` */
const HASH_OF_REQUEST_1 = '19f1064b619d49d35392eac7261cd7266c720671fc594f4b226f32bf0bee74ba';
