import { describe, expect, it } from 'vitest';
import { isRepeatable, isStream, mayRetry, RetryBudget } from './retry.ts';
import type { Attempted } from './retry.ts';

const once: Attempted = { failure: 'unreached', attempts: 1, isReplayable: true, isIdempotent: false };

describe('a request goes to another pod', () => {
  const cases: Readonly<Record<string, readonly [Partial<Attempted>, boolean]>> = {
    'when nothing of it reached a server': [{}, true],
    'when the server said that it cannot': [{ failure: 'unavailable' }, true],
    'when the connection broke and it only reads': [{ failure: 'broken', isIdempotent: true }, true],
    'not when the connection broke and it may have changed something': [{ failure: 'broken' }, false],
    'when its pod hangs and it only reads': [{ failure: 'silent', isIdempotent: true }, true],
    'not when its pod hangs and it may have changed something': [{ failure: 'silent' }, false],
    'not twice': [{ attempts: 2 }, false],
    'not when it cannot be sent again in full': [{ isReplayable: false }, false],
  };

  it.each(Object.entries(cases))('%s', (_, [more, expected]) => {
    expect(mayRetry({ ...once, ...more })).toBe(expected);
  });
});

it.each([
  ['POST', '/v2/models/flights/infer', true],
  ['POST', '/v2/models/flights/versions/3/infer?x=1', true],
  ['POST', '/v1/models/flights:predict', true],
  ['GET', '/anything', true],
  ['POST', '/anything', false],
  ['POST', '/v2/models/flights/generate', false],
  ['POST', '/x?/v2/models/flights/infer', false],
  ['DELETE', '/v2/models/flights/infer', false],
])('%s %s may be asked twice: %s', (method, path, expected) => {
  expect(isRepeatable({ method, path, isGrpc: false })).toBe(expected);
});

it('knows which methods of gRPC only read, and which are streams', () => {
  const infer = { method: 'POST', path: '/inference.GRPCInferenceService/ModelInfer', isGrpc: true };
  const stream = { ...infer, path: '/inference.GRPCInferenceService/ModelStreamInfer' };

  expect([isRepeatable(infer), isStream(infer)]).toEqual([true, false]);
  expect([isRepeatable(stream), isStream(stream)]).toEqual([false, true]);
  expect(isRepeatable({ ...infer, path: '/inference.GRPCInferenceService/RepositoryModelLoad' })).toBe(false);
  expect(isStream({ ...infer, path: '/acme.Chat/Talk' })).toBe(true);
});

it('the budget of retries runs out, and requests fill it again, one for ten', () => {
  const budget = new RetryBudget();
  const used = Array.from({ length: 60 }, () => budget.use()).filter(Boolean).length;
  for (let request = 0; request < 11; request += 1) budget.earn();

  expect(used).toBe(50);
  expect([budget.use(), budget.use()]).toEqual([true, false]);
});
