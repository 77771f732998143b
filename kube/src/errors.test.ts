import { describe, expect, it } from 'vitest';
import { BlockedError, ignoreNotFound, KubeApiError, toOperatorError, TransientError } from './errors.ts';

const apiError = (code: number, reason: string, message = 'words') =>
  new KubeApiError({ code, reason, message }, { retryAfterMs: 3000 });

describe('errors', () => {
  it.each<[string, unknown, string, string]>([
    ['a conflict', apiError(409, 'Conflict'), 'Conflict', 'backoff'],
    [
      'a deleted namesake',
      new KubeApiError({
        code: 422,
        reason: 'Invalid',
        message: 'words',
        details: { causes: [{ field: 'metadata.uid' }] },
      }),
      'Conflict',
      'backoff',
    ],
    ['an overloaded server', apiError(429, 'TooManyRequests'), 'TooManyRequests', 'backoff'],
    ['a missing right', apiError(403, 'Forbidden'), 'Forbidden', 'backoff'],
    ['a used-up quota', apiError(403, 'Forbidden', 'exceeded quota: team'), 'QuotaExceeded', 'backoff'],
    ['an invalid object', apiError(422, 'Invalid'), 'Invalid', 'waitForSpecChange'],
    ['a proxy that answers', apiError(502, ''), 'ApiError', 'backoff'],
    ['a bug', new TypeError('x is undefined'), 'InternalError', 'backoff'],
    ['something thrown that is no error', 'text', 'InternalError', 'backoff'],
  ])('know what follows from %s', (_name, cause, reason, retry) => {
    const error = toOperatorError(cause);

    expect([error.reason, error.retry]).toEqual([reason, retry]);
    expect(error.cause).toBe(cause);
  });

  it('pass through when they already know', () => {
    const blocked = new BlockedError('StoreNotFound', 'no store');

    expect(toOperatorError(blocked)).toBe(blocked);
  });

  it('keep when the server wants to be asked again', () => {
    expect((toOperatorError(apiError(429, 'TooManyRequests')) as TransientError).retryAfterMs).toBe(3000);
  });

  it('are ignored only when the object is not there', async () => {
    expect(await ignoreNotFound(Promise.reject(apiError(404, 'NotFound')))).toBeUndefined();
    expect(await ignoreNotFound(Promise.resolve(1))).toBe(1);
    await expect(ignoreNotFound(Promise.reject(apiError(403, 'Forbidden')))).rejects.toThrow('words');
  });
});
