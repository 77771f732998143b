import { expect, it } from 'vitest';
import { compareResourceVersions } from './resource-version.ts';

it.each<[string | undefined, string | undefined, number]>([
  ['9', '10', -1],
  ['10', '9', 1],
  ['7', '7', 0],
  ['18446744073709551616', '18446744073709551615', 1],
  ['a', 'b', 0],
  [undefined, '1', 0],
])('puts %s and %s in order %i', (a, b, order) => {
  expect(compareResourceVersions(a, b)).toBe(order);
});
