import { expect, it } from 'vitest';
import { age } from './age.ts';

const now = new Date('2026-11-23T12:00:00Z');

it.each([
  ['2026-11-23T11:59:15Z', '45s'],
  ['2026-11-23T11:54:48Z', '5m12s'],
  ['2026-11-23T11:20:00Z', '40m'],
  ['2026-11-23T08:40:00Z', '3h20m'],
  ['2026-11-22T12:00:00Z', '24h'],
  ['2026-11-21T08:00:00Z', '2d4h'],
  ['2026-10-13T12:00:00Z', '41d'],
  ['2026-11-23T12:00:30Z', '0s'],
  [undefined, '-'],
])('%s is %s ago', (since, text) => {
  expect(age(since, now)).toBe(text);
});
