import { describe, expect, it } from 'vitest';
import { createBatchQueue } from './batch-queue.ts';

const item = (key: string, rows: number, bytes = 1) => ({ key, rows, bytes });

describe('createBatchQueue', () => {
  it('gives the oldest with what may run beside it, and keeps the order of the others', () => {
    const queue = createBatchQueue(100, 100);
    const [a, b, c, d] = [item('x', 2), item('y', 1), item('x', 3), item('x', 1)];
    for (const each of [a, b, c, d]) queue.add(each);

    expect(queue.next(4)).toEqual([a, d]);
    expect(queue.next(4)).toEqual([b]);
    expect(queue.next(4)).toEqual([c]);
    expect(queue.next(4)).toEqual([]);
  });

  it('lets one run alone that is larger than a batch', () => {
    const queue = createBatchQueue(100, 100);
    queue.add(item('x', 9));
    queue.add(item('x', 1));

    expect(queue.next(4).map(({ rows }) => rows)).toEqual([9]);
  });

  it('is full by rows or by bytes, and has room again for what was taken or taken back', () => {
    const queue = createBatchQueue(3, 10);
    const first = item('x', 2, 2);

    expect(queue.add(first)).toBe(true);
    expect(queue.add(item('x', 2, 2))).toBe(false);
    expect(queue.add(item('x', 1, 9))).toBe(false);
    expect(queue.add(item('x', 1, 8))).toBe(true);
    expect([queue.remove(first), queue.remove(first)]).toEqual([true, false]);
    expect(queue.add(item('x', 2, 2))).toBe(true);
    expect(queue.next(10)).toHaveLength(2);
    expect(queue.add(item('x', 3, 10))).toBe(true);
  });
});
