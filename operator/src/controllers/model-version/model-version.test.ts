/** plan and status of a ModelVersion, from the same observations. */
import { TransientError } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aJob, aModelVersion, aStore, DIGEST, NOW, WORKLOADS } from '../../testing/fixtures.ts';
import { verifyJobName } from './build-verify-job.ts';
import type { ObservedModelVersion } from './observe.ts';
import { planModelVersion } from './plan.ts';
import { modelVersionStatus } from './status.ts';

const signature = { inputs: [], outputs: [] };
const version = aModelVersion();
const verifyJob = aJob({ metadata: { name: verifyJobName(version, aStore()), uid: 'j' } });

function observed(more: Partial<ObservedModelVersion> = {}): ObservedModelVersion {
  const verification = { job: undefined, pods: [], outcome: { state: 'absent' as const } };
  const evaluation = { model: undefined, asked: undefined };
  const decisions = { all: [], areSignaturesChecked: true };
  return {
    version,
    found: { store: aStore() },
    verification,
    evaluation,
    decisions,
    counterpart: undefined,
    jobs: [],
    users: [],
    ...more,
  };
}

const verified: ObservedModelVersion['verification'] = {
  job: verifyJob,
  pods: [],
  outcome: { state: 'succeeded', result: { ok: true, digest: DIGEST, bytes: 42, signature } },
};
const going = { deletionTimestamp: '2026-11-23T09:00:00Z' };
const inUse = { finalizers: ['slipway.dev/in-use'] };

describe('planModelVersion', () => {
  it('verifies a new version with a Job that reads the Store', () => {
    const { apply } = planModelVersion(observed(), WORKLOADS, NOW);
    expect(apply.map(({ object }) => object.metadata.name)).toEqual([verifyJob.metadata.name]);
  });

  it('makes no second Job, also with a newer image', () => {
    const plan = planModelVersion(
      observed({ verification: verified, jobs: [verifyJob] }),
      {
        ...WORKLOADS,
        batchRuntimeImage: 'new',
      },
      NOW,
    );
    expect(plan).toEqual({ finalizer: undefined, apply: [], evaluate: undefined, prune: [], lookAgainMs: undefined });
  });

  it('verifies again where the Store points elsewhere, and drops the old Job', () => {
    const moved = aStore({ uri: 'pvc://models/elsewhere' });
    const plan = planModelVersion(observed({ found: { store: moved }, jobs: [verifyJob] }), WORKLOADS, NOW);

    expect(plan.apply[0]?.object.metadata.name).not.toBe(verifyJob.metadata.name);
    expect(plan.prune.map(({ object }) => object.metadata.name)).toEqual([verifyJob.metadata.name]);
  });

  it('makes nothing without a Store that can be used', () => {
    const found = { problem: { reason: 'StoreNotFound', message: 'gone' } };
    expect(planModelVersion(observed({ found, jobs: [verifyJob] }), WORKLOADS, NOW)).toMatchObject({
      apply: [],
      prune: [],
    });
  });

  it.each([
    ['is asked for: add', {}, ['InferenceService flights'], 'add'],
    ['has it already', inUse, ['InferenceService flights'], undefined],
    ['is used no more: remove', inUse, [], 'remove'],
    ['is not used', {}, [], undefined],
    ['goes, and is used: keep', { ...inUse, ...going }, ['InferenceService flights'], undefined],
    ['goes without it: too late to add', going, ['InferenceService flights'], undefined],
    ['goes, and is free: remove', { ...inUse, ...going }, [], 'remove'],
  ] as const)('finalizer of a version that %s', (_, metadata, users, expected) => {
    const plan = planModelVersion(observed({ version: aModelVersion('delay-1', metadata), users }), WORKLOADS, NOW);
    expect(plan.finalizer).toBe(expected);
  });
});

describe('a verification that failed', () => {
  const at = (seconds: number) => new Date(NOW.getTime() + seconds * 1000);
  const failedAt = (madeAfter: number) => {
    const job = aJob({
      metadata: { name: verifyJob.metadata.name, uid: 'j', creationTimestamp: at(madeAfter).toISOString() },
    });
    const outcome = { state: 'failed' as const, retryable: false, reason: 'FileNotFound', message: 'gone' };
    return observed({
      version: aModelVersion('delay-1', { creationTimestamp: NOW.toISOString() }),
      verification: { job, pods: [], outcome },
      jobs: [job],
    });
  };

  it.each([
    ['the first is done again after 5 s', 0, 4, 1_000],
    ['then it takes its time', 0, 5, undefined],
    ['waits as long as it has failed so far', 60, 100, 20_000],
    ['but never longer than five minutes', 4_000, 4_299, 1_000],
    ['and is done again then', 4_000, 4_300, undefined],
  ])('%s', (_, madeAfter, now, lookAgainMs) => {
    const plan = planModelVersion(failedAt(madeAfter), WORKLOADS, at(now));

    expect(plan.lookAgainMs).toBe(lookAgainMs);
    expect(plan.prune).toHaveLength(lookAgainMs === undefined ? 1 : 0);
  });
});

describe('modelVersionStatus', () => {
  const conditions = (more: Partial<ObservedModelVersion>) =>
    Object.fromEntries(
      (modelVersionStatus(observed(more), { now: NOW })?.conditions ?? []).map(({ type, status, reason }) => [
        type,
        `${status} ${reason}`,
      ]),
    );

  it('is Ready with what the verification found', () => {
    expect(modelVersionStatus(observed({ verification: verified }), { now: NOW })).toMatchObject({
      bytes: 42,
      signature,
    });
    expect(conditions({ verification: verified, users: ['InferenceService flights'] })).toEqual({
      Ready: 'True Verified',
      ArtifactVerified: 'True Verified',
      GatesPassed: 'True NoGates',
      Approved: 'True ApprovalNotRequired',
      Compatible: 'True NothingToCompare',
      InUse: 'True Serving',
    });
  });

  it('is stalled with the reason of the Job when the bytes are wrong, and says how to try again', () => {
    const outcome = { state: 'failed' as const, reason: 'DigestMismatch', message: 'Other bytes.', retryable: false };
    const verification = { job: verifyJob, pods: [], outcome };
    expect(conditions({ verification })).toEqual({
      Ready: 'False DigestMismatch',
      Stalled: 'True DigestMismatch',
      ArtifactVerified: 'False DigestMismatch',
      GatesPassed: 'True NoGates',
      Approved: 'True ApprovalNotRequired',
      Compatible: 'True NothingToCompare',
      InUse: 'False NotUsed',
    });
    const [ready] = modelVersionStatus(observed({ verification }), { now: NOW })?.conditions ?? [];
    expect(ready?.message).toBe(
      `Other bytes. It is tried again from time to time, and at once after: kubectl delete job ${verifyJob.metadata.name}`,
    );
  });

  it('shows within seconds why the pod of the Job does not start', () => {
    const outcome = { state: 'pending' as const, reason: 'ImagePullFailed', message: 'no such image' };
    expect(conditions({ verification: { job: verifyJob, pods: [], outcome } })).toMatchObject({
      Ready: 'False ImagePullFailed',
      Reconciling: 'True ImagePullFailed',
      ArtifactVerified: 'Unknown Verifying',
    });
  });

  it('stays verified while its Store is away, and is not Ready', () => {
    const found = { problem: { reason: 'StoreNotFound', message: 'gone' } };
    expect(conditions({ found, verification: verified })).toMatchObject({
      Ready: 'False StoreNotFound',
      ArtifactVerified: 'True Verified',
    });
  });

  it('names who keeps it from being deleted', () => {
    const status = modelVersionStatus(
      observed({
        version: aModelVersion('delay-1', { ...going, ...inUse }),
        users: ['InferenceService flights', 'ModelAlias delay.champion'],
      }),
      { now: NOW },
    );
    expect(status?.conditions[0]).toMatchObject({ type: 'Ready', status: 'False', reason: 'Terminating' });
    expect(status?.conditions[0]?.message).toContain(
      'Used by InferenceService flights, ModelAlias delay.champion: give',
    );
  });

  it('leaves the status alone after an error that says nothing about the version', () => {
    const error = new TransientError('Conflict', 'try again');
    expect(modelVersionStatus(observed(), { now: NOW, error })).toBeUndefined();
  });
});
