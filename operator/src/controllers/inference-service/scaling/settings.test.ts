import { describe, expect, it } from 'vitest';
import { boundedReplicas, mayGoToZero, scaledBy } from './settings.ts';

const target = { concurrency: 4 };

describe('boundedReplicas', () => {
  it.each([
    ['what a person asks for', { replicas: 3 }, 0, 3],
    ['nothing, if a person asks for that', { replicas: 0 }, 0, 0],
    ['no fewer than min', { replicas: 1, min: 2 }, 0, 2],
    ['no more than max', { replicas: 9, max: 4 }, 0, 4],
    ['at least one with a target that says nothing of zero', { replicas: 0, max: 4, target }, 0, 1],
    ['none with a target and min 0', { replicas: 0, min: 0, max: 4, target }, 0, 0],
    ['what the autoscaler keeps, where a replaced spec says 1', { replicas: 1, max: 9, target }, 7, 7],
    ['a max that was lowered, whatever is kept', { replicas: 1, max: 3, target }, 7, 3],
    ['what a person asks for at once, where nothing scales by itself', { replicas: 1, max: 9 }, 7, 1],
  ])('gives %s', (_, scaling, floor, expected) => {
    expect(boundedReplicas(scaling, floor)).toBe(expected);
  });
});

describe('scaledBy', () => {
  const now = new Date('2026-11-30T10:00:00Z');

  it('has defaults, and reads durations', () => {
    expect(scaledBy({ replicas: 1, max: 5, target }, now)).toEqual({
      settings: { min: 1, max: 5, target, idleAfterMs: 300_000 },
      changesInMs: undefined,
    });
    const byRate = { replicas: 1, min: 0, max: 5, target: { requestsPerSecond: 50 }, idleAfter: '1m30s' };
    expect(scaledBy(byRate, now)?.settings).toMatchObject({
      min: 0,
      target: { requestsPerSecond: 50 },
      idleAfterMs: 90_000,
    });
    expect(scaledBy({ replicas: 1, max: 5, target: { latency: '250ms' } }, now)?.settings.target).toEqual({
      latencySeconds: 0.25,
    });
  });

  it('has more pods at the least while a schedule says so', () => {
    const schedule = [{ from: '0 8 * * *', until: '0 12 * * *', timeZone: 'Etc/UTC', min: 3 }];
    const scaled = scaledBy({ replicas: 0, min: 0, max: 5, target, schedule }, now);
    expect(scaled).toMatchObject({ settings: { min: 3 }, changesInMs: 2 * 3_600_000 });
  });

  it('is undefined without a target: people and other autoscalers choose', () => {
    expect(scaledBy({ replicas: 1, min: 0, max: 5 }, now)).toBeUndefined();
    expect(mayGoToZero({ replicas: 1, min: 0, max: 5 })).toBe(false);
  });
});
