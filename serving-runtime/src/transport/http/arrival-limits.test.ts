import { expect, it } from 'vitest';
import { arrivalLimits } from './arrival-limits.ts';

it.each([
  ['a head has ten seconds, however long a body has', 60_000, 10_000],
  ['a head has no longer than all of a request', 3_000, 3_000],
])('%s', (_, receiveMs, headersTimeout) => {
  expect(arrivalLimits(receiveMs)).toMatchObject({ headersTimeout, requestTimeout: receiveMs });
});
