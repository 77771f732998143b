import { describe, expect, it } from 'vitest';
import type { Tensor } from '../protocol/datatypes.ts';
import { joinRows, rowsOf, splitRows, takesRows } from './rows.ts';

const floats = (shape: number[], ...data: number[]): Tensor => ({
  name: 'x',
  datatype: 'FP32',
  shape,
  data: Float32Array.from(data),
});
const texts = (shape: number[], ...data: string[]): Tensor => ({ name: 't', datatype: 'BYTES', shape, data });

describe('joinRows and splitRows', () => {
  it('give back what was put together, one part a request', () => {
    const requests = [
      [floats([1, 2], 1, 2), texts([1], 'a')],
      [floats([2, 2], 3, 4, 5, 6), texts([2], 'b', 'c')],
    ];
    const joined = joinRows(requests);

    expect(joined).toEqual([floats([3, 2], 1, 2, 3, 4, 5, 6), texts([3], 'a', 'b', 'c')]);
    expect(splitRows(joined, [1, 2])).toEqual(requests);
  });

  it('take requests without rows', () => {
    const joined = joinRows([[floats([0, 2])], [floats([1, 2], 1, 2)]]);

    expect(splitRows(joined, [0, 1])).toEqual([[floats([0, 2])], [floats([1, 2], 1, 2)]]);
  });

  it('do not split an output that has another number of rows', () => {
    expect(splitRows([floats([1, 2], 1, 2)], [1, 1])).toBeUndefined();
  });
});

describe('rowsOf', () => {
  it('is what all tensors of a request have', () => {
    expect(rowsOf([floats([2, 1], 1, 2), texts([2], 'a', 'b')])).toBe(2);
    expect(rowsOf([floats([2], 1, 2), texts([1], 'a')])).toBeUndefined();
  });
});

describe('takesRows', () => {
  const spec = (...shape: number[]) => ({ name: 'x', datatype: 'FP32', shape });

  it('asks for a first dimension of any size on both sides', () => {
    expect(takesRows([spec(-1, 2)], [spec(-1)])).toBe(true);
    expect(takesRows([spec(-1, 2)], [spec(1)])).toBe(false);
    expect(takesRows([spec(-1), spec()], [spec(-1)])).toBe(false);
  });
});
