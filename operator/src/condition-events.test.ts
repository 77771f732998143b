import type { Condition } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { readyNote } from './condition-events.ts';

const condition = (type: string, status: Condition['status'], reason: string): Condition => ({
  type,
  status,
  reason,
  message: `${reason}!`,
  lastTransitionTime: '2026-11-23T10:00:00Z',
});
const ready = (status: Condition['status'], reason: string) => condition('Ready', status, reason);

describe('readyNote', () => {
  it.each([
    ['it became Ready', [ready('False', 'Verifying')], [ready('True', 'Verified')], 'Normal Verified'],
    ['it is Ready from the first pass', [], [ready('True', 'Recorded')], 'Normal Recorded'],
    ['it is as it was', [ready('True', 'Verified')], [ready('True', 'Verified')], undefined],
    [
      'only the reason of Ready changed',
      [ready('True', 'ClaimWaitsForFirstUse')],
      [ready('True', 'ClaimBound')],
      undefined,
    ],
    ['it began', [], [ready('False', 'Verifying')], undefined],
    ['something is missing', [], [ready('False', 'StoreNotFound')], 'Warning StoreNotFound'],
    [
      'another thing is wrong now',
      [ready('False', 'StoreNotFound')],
      [ready('False', 'DigestMismatch')],
      'Warning DigestMismatch',
    ],
    ['it waits', [], [ready('False', 'ModelVersionNotReady'), condition('Reconciling', 'True', 'x')], undefined],
    [
      'it will wait for ever',
      [],
      [ready('False', 'ModelVersionNotReady'), condition('Stalled', 'True', 'x')],
      'Warning ModelVersionNotReady',
    ],
  ])('%s', (_, before, next, expected) => {
    const note = readyNote(before, next);
    expect(note === undefined ? undefined : `${note.type} ${note.reason}`).toBe(expected);
  });
});
