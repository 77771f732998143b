import type { PersistentVolumeClaim } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aClaim, aStore, NOW } from '../../testing/fixtures.ts';
import { storeStatus } from './status.ts';

const pending = (storageClassName?: string): PersistentVolumeClaim =>
  aClaim({ status: { phase: 'Pending' }, spec: storageClassName === undefined ? {} : { storageClassName } });

const cases: Record<
  string,
  { claim: PersistentVolumeClaim | undefined; status: 'True' | 'False'; reason: string; says: string }
> = {
  'the claim is missing': {
    claim: undefined,
    status: 'False',
    reason: 'ClaimNotFound',
    says: 'There is no PersistentVolumeClaim "models" in namespace "team"',
  },
  'the claim is bound': { claim: aClaim(), status: 'True', reason: 'ClaimBound', says: 'bound' },
  'a StorageClass will make the volume': {
    claim: pending('standard'),
    status: 'True',
    reason: 'ClaimWaitsForFirstUse',
    says: '"standard"',
  },
  'nobody will make a volume': { claim: pending(), status: 'False', reason: 'ClaimPending', says: 'StorageClass' },
  'the volume is gone': {
    claim: aClaim({ status: { phase: 'Lost' } }),
    status: 'False',
    reason: 'ClaimLost',
    says: 'Restore the volume',
  },
  'the claim goes': {
    claim: aClaim({ metadata: { name: 'models', deletionTimestamp: '2026-11-23T09:00:00Z' } }),
    status: 'False',
    reason: 'ClaimTerminating',
    says: 'is being deleted',
  },
};

describe('storeStatus', () => {
  it.each(Object.entries(cases))('%s', (_, { claim, status, reason, says }) => {
    const { conditions, observedGeneration } = storeStatus({ store: aStore(), claim }, NOW);

    expect(observedGeneration).toBe(1);
    expect(conditions[0]).toMatchObject({ type: 'Ready', status, reason, lastTransitionTime: '2026-11-23T10:00:00Z' });
    expect(conditions[0]?.message).toContain(says);
  });

  it('tells what it saw of the claim', () => {
    expect(storeStatus({ store: aStore(), claim: aClaim() }, NOW).claim).toEqual({
      name: 'models',
      phase: 'Bound',
      capacity: '1Gi',
    });
  });

  it('moves no transition time while nothing flips', () => {
    const before = storeStatus({ store: aStore(), claim: aClaim() }, NOW);
    const later = new Date('2026-11-24T10:00:00Z');

    expect(storeStatus({ store: { ...aStore(), status: before }, claim: aClaim() }, later)).toEqual(before);
  });
});
