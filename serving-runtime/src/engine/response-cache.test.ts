import { describe, expect, it } from 'vitest';
import type { Tensor } from '../protocol/datatypes.ts';
import { cacheKey, createResponseCache } from './response-cache.ts';

const floats = (...data: number[]): Tensor => ({
  name: 'x',
  datatype: 'FP32',
  shape: [data.length],
  data: Float32Array.from(data),
});

describe('createResponseCache', () => {
  it('forgets what was used longest ago, and never holds more than it may', () => {
    const cache = createResponseCache(20);
    cache.set('a', [floats(1)]);
    cache.set('b', [floats(2)]);
    cache.set('c', [floats(3)]);
    cache.get('a');
    cache.set('d', [floats(4, 5)]);

    expect(['a', 'b', 'c', 'd'].filter((key) => cache.get(key) !== undefined)).toEqual(['a', 'c', 'd']);
    cache.set('e', [floats(1, 2, 3, 4, 5, 6)]);
    expect(cache.get('e')).toBeUndefined();
  });

  it('keeps values of its own', () => {
    const cache = createResponseCache(100);
    const values = Float32Array.from([1]);
    cache.set('a', [{ ...floats(1), data: values }]);
    values[0] = 9;

    expect(cache.get('a')?.[0]?.data[0]).toBe(1);
  });
});

describe('cacheKey', () => {
  it('differs where anything differs that the answer depends on', () => {
    const keys = [
      cacheKey([floats(1, 2)], ['y']),
      cacheKey([floats(1, 3)], ['y']),
      cacheKey([floats(1, 2)], ['y', 'z']),
      cacheKey([{ ...floats(1, 2), shape: [2, 1] }], ['y']),
      cacheKey([{ ...floats(1, 2), name: 'w' }], ['y']),
      cacheKey([floats(0)], ['y']),
      cacheKey([floats(-0)], ['y']),
    ];

    expect(new Set(keys).size).toBe(keys.length);
    expect(cacheKey([floats(1, 2)], ['y'])).toBe(keys[0]);
  });
});
