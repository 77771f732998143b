import { expect, it } from 'vitest';
import { leastRecentlyUsed } from './memory-budget.ts';

const model = (lastUsed: number, bytes: number, pending = 0) => ({ lastUsed, bytes, pending });

it('gives up the least recently used until the rest fits, and none that works', () => {
  const [old, busy, young] = [model(1, 10), model(0, 10, 1), model(2, 10)];

  expect(leastRecentlyUsed([young, busy, old], 30)).toEqual([]);
  expect(leastRecentlyUsed([young, busy, old], 29)).toEqual([old]);
  expect(leastRecentlyUsed([young, busy, old], 5)).toEqual([old, young]);
});
