import { describe, expect, it } from 'vitest';
import { cut, mergeConditions } from './conditions.ts';

const wanted = { type: 'Ready', status: 'False', reason: 'Waiting', message: 'for a store' } as const;

describe('conditions', () => {
  it('start their transition time now', () => {
    const now = new Date('2026-01-02T03:04:05.678Z');

    const [ready] = mergeConditions(undefined, [wanted], { generation: 3, now });

    expect(ready).toEqual({ ...wanted, observedGeneration: 3, lastTransitionTime: '2026-01-02T03:04:05Z' });
  });

  it('keep their transition time while only reason and message change, and move it when the status flips', () => {
    const before = mergeConditions(undefined, [wanted], { generation: 1, now: new Date('2026-01-01T00:00:00Z') });
    const later = { generation: 2, now: new Date('2026-01-01T01:00:00Z') };

    const [same] = mergeConditions(before, [{ ...wanted, reason: 'Other' }], later);
    const [flipped] = mergeConditions(before, [{ ...wanted, status: 'True' }], later);

    expect(same).toMatchObject({ reason: 'Other', observedGeneration: 2, lastTransitionTime: '2026-01-01T00:00:00Z' });
    expect(flipped).toMatchObject({ status: 'True', lastTransitionTime: '2026-01-01T01:00:00Z' });
  });

  it('come in the order that was asked for, without those that nobody wants any more', () => {
    const before = mergeConditions(undefined, [wanted, { ...wanted, type: 'Old' }], {
      generation: 1,
      now: new Date(0),
    });

    const merged = mergeConditions(before, [{ ...wanted, type: 'Available' }, wanted], {
      generation: 1,
      now: new Date(1),
    });

    expect(merged.map(({ type }) => type)).toEqual(['Available', 'Ready']);
  });

  it('cut a long message at 1,024 bytes without breaking a character', () => {
    const cutText = cut(`${'a'.repeat(1019)}🙂🙂`);

    expect(Buffer.byteLength(cutText)).toBeLessThanOrEqual(1024);
    expect(cutText).toBe(`${'a'.repeat(1019)}…`);
    expect(cut('short')).toBe('short');
  });
});
