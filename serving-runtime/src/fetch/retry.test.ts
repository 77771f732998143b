import { expect, it } from 'vitest';
import { FetchError } from './failure.ts';
import { pauseMs, retryAfterMs, withRetries } from './retry.ts';
import { context } from './testing/fixture.ts';

it('waits longer each time, up to a bound, and as long as the source asks', () => {
  expect([0, 1, 2, 20].map((attempt) => pauseMs(attempt, undefined, 1))).toEqual([500, 1000, 2000, 30_000]);
  expect(pauseMs(0, undefined, 0)).toBe(250);
  expect(pauseMs(0, 60_000, 0.5)).toBe(60_000);
  expect(pauseMs(0, 86_400_000, 0.5)).toBe(300_000);
});

it('reads Retry-After as seconds and as a date', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(retryAfterMs('7', now)).toBe(7000);
  expect(retryAfterMs('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
  expect(retryAfterMs('Wed, 31 Dec 2025 00:00:00 GMT', now)).toBe(0);
  expect(retryAfterMs('soon', now)).toBeUndefined();
});

it('counts attempts without progress, and stops at what cannot pass', async () => {
  const again = new FetchError('SourceUnreachable', 'busy', { again: true });
  let attempts = 0;
  const stuck = withRetries(
    () => (attempts++, Promise.reject(again)),
    () => 0,
    { ...context(), retries: 3 },
  );
  await expect(stuck).rejects.toBe(again);
  expect(attempts).toBe(4);

  attempts = 0;
  const slow = () => (++attempts < 20 ? Promise.reject(again) : Promise.resolve('done'));
  expect(await withRetries(slow, () => attempts, { ...context(), retries: 1 })).toBe('done');

  attempts = 0;
  const denied = new FetchError('AccessDenied', 'no');
  await expect(
    withRetries(
      () => (attempts++, Promise.reject(denied)),
      () => 0,
      { ...context(), retries: 3 },
    ),
  ).rejects.toBe(denied);
  expect(attempts).toBe(1);
});
