import { expect, it } from 'vitest';
import { duration, progressLine } from './progress.ts';
import { createScreen } from './screen.ts';

it('says what is done, what failed, and how long the rest takes at the pace so far', () => {
  expect(progressLine({ total: 30, done: 10, failed: 2, elapsedMs: 60_000 })).toBe(
    '10 of 30 · 2 failed · about 2 min left',
  );
  expect(progressLine({ total: 30, done: 0, failed: 0, elapsedMs: 0 })).toBe('0 of 30 · none failed');
});

it.each([
  [99_000, '99 s'],
  [120_000, '2 min'],
  [5_400_000, '90 min'],
  [7_500_000, '2 h 5 min'],
])('%d ms are %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

function screenOn(isTTY: boolean) {
  const written: string[] = [];
  let nowMs = 0;
  const out = { isTTY, columns: 80, write: (text: string) => written.push(text) > 0 };
  const screen = createScreen(out, () => nowMs);
  return { screen, written, wait: (ms: number) => (nowMs += ms) };
}

it('a terminal keeps what was said, and has the progress below', () => {
  const { screen, written } = screenOn(true);
  screen.show({ total: 3, done: 1, failed: 0, elapsedMs: 1_000 });
  screen.say('FAILED');

  const [above, below] = written.join('').split('\n');
  expect(above?.endsWith('FAILED')).toBe(true);
  expect(below).toContain('1 of 3');
});

it('elsewhere a line comes once a minute, and at the end', () => {
  const { screen, written, wait } = screenOn(false);
  const show = (done: number) => screen.show({ total: 4, done, failed: 0, elapsedMs: 1_000 });
  show(1);
  show(2);
  wait(60_000);
  show(3);
  show(4);

  expect(written.map((line) => line.slice(0, 6))).toEqual(['1 of 4', '3 of 4', '4 of 4']);
});
