import { describe, expect, it } from 'vitest';
import { scheduledNow } from './schedule.ts';

const office = { from: '0 7 * * 1-5', until: '0 19 * * 1-5', timeZone: 'Europe/Berlin', min: 4 };
const night = { from: '0 22 * * *', until: '0 5 * * *', timeZone: 'Etc/UTC', min: 2 };
const HOUR = 3_600_000;

describe('scheduledNow', () => {
  it.each([
    ['before it begins', '2026-11-30T05:59:59.999Z', 0],
    ['from the moment that it begins, in its own time zone', '2026-11-30T06:00:00Z', 4],
    ['until just before it ends', '2026-11-30T17:59:59Z', 4],
    ['no more from the moment that it ends', '2026-11-30T18:00:00Z', 0],
    ['not at the weekend', '2026-11-29T10:00:00Z', 0],
    ['an hour earlier by UTC where summer time holds', '2026-07-01T05:00:00Z', 4],
  ])('asks %s', (_, now, min) => {
    expect(scheduledNow([office], new Date(now)).min).toBe(min);
  });

  it('may go over midnight', () => {
    expect(scheduledNow([night], new Date('2026-11-30T23:30:00Z')).min).toBe(2);
    expect(scheduledNow([night], new Date('2026-11-30T04:30:00Z')).min).toBe(2);
    expect(scheduledNow([night], new Date('2026-11-30T12:00:00Z')).min).toBe(0);
  });

  it('gives the most of those that hold, and when that changes next', () => {
    const all = { ...night, from: '0 6 * * *', until: '0 12 * * *', min: 9 };
    expect(scheduledNow([office, all], new Date('2026-11-30T11:00:00Z'))).toEqual({ min: 9, changesInMs: HOUR });
    expect(scheduledNow([office, all], new Date('2026-11-30T12:00:00Z'))).toEqual({ min: 4, changesInMs: 6 * HOUR });
  });

  it('is nothing where there is none, and where it never comes', () => {
    expect(scheduledNow([], new Date())).toEqual({ min: 0, changesInMs: undefined });
    const never = { ...night, from: '0 0 31 2 *', until: '0 0 30 2 *' };
    expect(scheduledNow([never], new Date())).toEqual({ min: 0, changesInMs: undefined });
  });
});
