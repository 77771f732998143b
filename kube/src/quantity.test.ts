import { expect, it } from 'vitest';
import { isSameQuantity, quantityValue } from './quantity.ts';

it.each<[string | number, string | number, boolean]>([
  ['1000m', '1', true],
  [1, '1', true],
  [0.5, '500m', true],
  ['1024Mi', '1Gi', true],
  ['1.5Gi', '1536Mi', true],
  ['1e3', '1k', true],
  ['1E', '1000P', true],
  ['0', '0m', true],
  ['1Gi', '1G', false],
  ['1', '2', false],
  ['-1', '1', false],
  ['one', 'one', false],
  ['', '0', false],
])('says that %s and %s are the same quantity: %s', (a, b, same) => {
  expect(isSameQuantity(a, b)).toBe(same);
});

it.each([
  ['64Ki', 65_536],
  [65_536, 65_536],
  ['0.5', 0.5],
  ['1e3', 1000],
  ['7d', undefined],
])('knows the value of %s', (quantity, value) => {
  expect(quantityValue(quantity)).toBe(value);
});
