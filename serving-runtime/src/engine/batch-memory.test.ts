import { expect, it } from 'vitest';
import { BatchMemory } from './batch-memory.ts';

/** Twice, since the first batch is what tells how much memory the next one needs. */
function afterFirst(...counts: readonly number[]): { memory: BatchMemory; views: readonly { buffer: unknown }[] } {
  const memory = new BatchMemory();
  for (let batch = 0; batch < 2; batch += 1) {
    memory.begin();
    const views = counts.map((count) => memory.create('FP32', count));
    if (batch === 1) return { memory, views };
  }
  throw new Error('never');
}

it('is the same for one batch after the other, and shared between threads', () => {
  const { memory, views } = afterFirst(100, 3);
  memory.begin();
  const next = memory.create('INT64', 5);

  expect(next.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(views.map(({ buffer }) => buffer)).toEqual([next.buffer, next.buffer]);
});

it('keeps tensors apart, each where vector instructions want it', () => {
  const memory = new BatchMemory();
  let views: readonly ReturnType<BatchMemory['create']>[] = [];
  for (let batch = 0; batch < 2; batch += 1) {
    memory.begin();
    views = [memory.create('BOOL', 1), memory.create('FP64', 3), memory.create('INT8', 65), memory.create('FP32', 1)];
  }
  views.forEach((view, index) => (view as Uint8Array | Float64Array).fill(index + 1));

  expect(views.map((view) => Array.from(view as Float32Array)[0])).toEqual([1, 2, 3, 4]);
  expect(views.map(({ byteOffset }) => byteOffset)).toEqual([0, 64, 128, 256]);
});

it('does not grow for a batch that is very large', () => {
  const { views } = afterFirst(4 * 1024 * 1024);

  expect(views[0]?.buffer).toBeInstanceOf(ArrayBuffer);
});
