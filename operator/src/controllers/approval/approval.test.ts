import { describe, expect, it } from 'vitest';
import { anApproval } from '../../testing/data-fixtures.ts';
import { aModelVersion, NOW } from '../../testing/fixtures.ts';
import { approvalStatus } from './status.ts';

describe('approvalStatus', () => {
  it('says who decided what', () => {
    const approval = anApproval({ decision: 'Rejected' });
    const status = approvalStatus({ approval, version: aModelVersion(), signature: 'Verified' }, NOW);

    expect(status).toMatchObject({
      by: 'Verified',
      conditions: [{ type: 'Ready', status: 'True', reason: 'Recorded', message: 'Rejected by ana.' }],
    });
  });

  it('does not count for a version that was made after it', () => {
    const approval = anApproval({}, { creationTimestamp: '2026-11-23T09:00:00Z' });
    const version = aModelVersion('delay-1', { creationTimestamp: '2026-11-23T09:00:01Z' });
    const { conditions } = approvalStatus({ approval, version, signature: 'Verified' }, NOW);

    expect(conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`)).toEqual([
      'Ready False OlderThanVersion',
      'Stalled True OlderThanVersion',
    ]);
  });

  it('waits for a version that may still come', () => {
    const status = approvalStatus({ approval: anApproval(), version: undefined, signature: 'Unverified' }, NOW);

    expect(status.by).toBe('Unverified');
    expect(status.conditions.map(({ type, status: is, reason }) => `${type} ${is} ${reason}`)).toEqual([
      'Ready False ModelVersionNotFound',
      'Reconciling True ModelVersionNotFound',
    ]);
  });
});
