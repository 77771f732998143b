import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createStartProgress } from './start-progress.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function start() {
  const lines: [message: string, fields: object][] = [];
  const keep = (fields: object, message: string) => void lines.push([message, fields]);
  return { lines, progress: createStartProgress({ info: keep as never, error: keep as never }) };
}

const FARE = { model: 'fare', position: 3, total: 7, bytes: 5_000 };

it('tells which model of how many, and again while it takes long', () => {
  const { lines, progress } = start();
  vi.advanceTimersByTime(2_000);
  progress.loading(FARE);
  vi.advanceTimersByTime(25_000);
  progress.loaded(5_000);
  progress.ended(undefined);
  vi.advanceTimersByTime(60_000);

  expect(lines).toEqual([
    ['loading', { ...FARE, seconds: 2 }],
    ['still loading', { ...FARE, seconds: 12 }],
    ['still loading', { ...FARE, seconds: 22 }],
    ['ready', { models: 7, versions: 1, bytes: 5_000, seconds: 27 }],
  ]);
});

it('tells why it is not ready', () => {
  const { lines, progress } = start();
  progress.ended('model fare: no');

  expect(lines).toEqual([['not ready', { obstacle: 'model fare: no', versions: 0, bytes: 0, seconds: 0 }]]);
});
