/** How an attempt ended, from what Kubernetes says of its Job and the pods of its ranks. */
import type { Job, Pod } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aJob, aPod, containerStatus } from '../../testing/fixtures.ts';
import { attemptOutcome } from './attempt-outcome.ts';

const COLLECTED = JSON.stringify({ ok: true, files: 3, bytes: 42 });

function ended(condition: string, reason = '', message = ''): Job {
  return aJob({
    spec: { activeDeadlineSeconds: 60, template: {} },
    status: { conditions: [{ type: condition, status: 'True', reason, message }] },
  });
}

interface Ending {
  readonly container?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly at?: string;
}

/** The pod of a rank; `ending` is how one of its containers ended. */
function rank(index: number, phase: string, ending: Ending = {}, more: object = {}): Pod {
  const { container = 'trainer', exitCode = 0, reason = 'Error', message = '', at = '2026-11-23T09:30:00Z' } = ending;
  const status = containerStatus(container, { terminated: { exitCode, reason, message, finishedAt: at } });
  const isInit = container !== 'trainer';
  return aPod({
    name: `xgb-1-${index}`,
    metadata: { annotations: { 'batch.kubernetes.io/job-completion-index': String(index) } },
    spec: {
      initContainers: [{ name: 'fetch' }, { name: 'collect' }],
      containers: [{ name: 'trainer', image: 'img:1', resources: { limits: { memory: '64Mi' } } }],
    },
    status: { phase, ...(isInit ? { initContainerStatuses: [status] } : { containerStatuses: [status] }), ...more },
  });
}

const told = (index: number, message: string, exitCode = 0) =>
  rank(index, 'Succeeded', { container: 'collect', message, exitCode });
const FAILED = ended('Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit');

describe('attemptOutcome', () => {
  it('is a success when rank 0 said that its output is in the Store', () => {
    const outcome = attemptOutcome(ended('Complete'), [told(1, ''), told(0, COLLECTED)]);
    expect(outcome).toEqual({ state: 'succeeded', result: { ok: true, files: 3, bytes: 42 } });
  });

  it('goes by what the sidecar says, not by its exit code', () => {
    expect(attemptOutcome(ended('Complete'), [told(0, COLLECTED, 143)]).state).toBe('succeeded');
    const full = JSON.stringify({ ok: false, reason: 'StoreFull', message: 'No space.' });
    expect(attemptOutcome(ended('Complete'), [told(0, full)])).toMatchObject({ state: 'failed', reason: 'StoreFull' });
  });

  it('knows a program that does not exist from one that fails', () => {
    const message =
      'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "trian": executable file not found in $PATH: unknown';
    const pods = [rank(0, 'Failed', { exitCode: 128, reason: 'StartError', message })];
    expect(attemptOutcome(FAILED, pods)).toMatchObject({
      state: 'failed',
      reason: 'ContainerNotCreated',
      message: 'Container "trainer" cannot be started: exec: "trian": executable file not found in $PATH.',
    });
  });

  it('is no success because another rank brought its output home', () => {
    const outcome = attemptOutcome(ended('Complete'), [told(1, COLLECTED), told(0, '')]);
    expect(outcome).toMatchObject({ state: 'failed', reason: 'OutputMissing', retryable: false });
  });

  it('is not decided by one rank that is done while the others train', () => {
    expect(attemptOutcome(aJob(), [told(0, COLLECTED), rank(1, 'Running')]).state).toBe('running');
  });

  it.each(['Complete', 'Failed'])('waits for the words of a pod that the cache still shows at work (%s)', (type) => {
    expect(attemptOutcome(ended(type), [rank(0, 'Running')])).toEqual({ state: 'running' });
  });

  it('shows a Store that cannot be written while the training runs', () => {
    const message = JSON.stringify({ ok: false, reason: 'StoreNotWritable', message: 'Nobody may write.' });
    const state = { waiting: { reason: 'CrashLoopBackOff' } };
    const lastState = { terminated: { exitCode: 3, message } };
    const initContainerStatuses = [containerStatus('collect', state, { lastState })];
    const outcome = attemptOutcome(aJob(), [rank(0, 'Running', {}, { containerStatuses: [], initContainerStatuses })]);
    expect(outcome).toMatchObject({ state: 'running', trouble: { reason: 'StoreNotWritable' } });
  });

  it('names the rank that ended first, because the others fail after it', () => {
    const pods = [
      rank(0, 'Failed', { exitCode: 255, message: 'rabit: peer lost', at: '2026-11-23T09:30:05Z' }),
      rank(1, 'Failed', { exitCode: 2, message: 'Traceback\nValueError: depth', at: '2026-11-23T09:30:01Z' }),
    ];
    for (const order of [pods, pods.toReversed()]) {
      expect(attemptOutcome(FAILED, order)).toEqual({
        state: 'failed',
        reason: 'TrainerFailed',
        message: 'Container "trainer" of the pod of rank 1 ended with exit code 2: Traceback | ValueError: depth.',
        retryable: false,
      });
    }
  });

  it('names memory before anything else, with the limit', () => {
    const outcome = attemptOutcome(FAILED, [
      rank(0, 'Failed', { exitCode: 255, at: '2026-11-23T09:30:00Z' }),
      rank(1, 'Failed', { exitCode: 137, reason: 'OOMKilled', at: '2026-11-23T09:30:01Z' }),
    ]);
    expect(outcome).toMatchObject({ reason: 'OOMKilled', retryable: false });
    expect((outcome as { message: string }).message).toContain('its limit of 64Mi');
  });

  it('passes on what our own container said of the dataset', () => {
    const message = JSON.stringify({ ok: false, reason: 'DigestMismatch', message: 'The files differ.' });
    const outcome = attemptOutcome(FAILED, [rank(0, 'Failed', { container: 'fetch', exitCode: 3, message })]);
    expect(outcome).toMatchObject({ reason: 'DigestMismatch', message: 'The files differ.' });
  });

  it('takes no blame for a sidecar that was stopped', () => {
    const outcome = attemptOutcome(FAILED, [rank(0, 'Failed', { container: 'collect', exitCode: 137 })]);
    expect(outcome).toMatchObject({ reason: 'PodFailed' });
  });

  it('is worth another try when the cluster took a pod away, also when the pod is gone', () => {
    const policy = ended('Failed', 'PodFailurePolicy', 'Pod team/xgb-1-0 has condition DisruptionTarget');
    expect(attemptOutcome(policy, [])).toMatchObject({ reason: 'Evicted', retryable: true });
    const evicted = rank(
      0,
      'Failed',
      { exitCode: 137 },
      { reason: 'Evicted', message: 'The node was low on memory.', containerStatuses: [] },
    );
    expect((attemptOutcome(policy, [evicted]) as { message: string }).message).toContain('The node was low on memory.');
  });

  it.each([
    ['a deadline', ended('Failed', 'DeadlineExceeded'), 'DeadlineExceeded'],
    ['pods that somebody deleted', FAILED, 'PodLost'],
  ])('knows %s', (_, job, reason) => {
    expect(attemptOutcome(job, [])).toMatchObject({ state: 'failed', reason, retryable: false });
  });

  it('is what was recorded on the Job, whatever has become of the pods', () => {
    const annotations = { 'slipway.dev/result': COLLECTED };
    expect(attemptOutcome(aJob({ metadata: { name: 'xgb-1', annotations } }), []).state).toBe('succeeded');
    const failure = {
      'slipway.dev/result': JSON.stringify({ ok: false, reason: 'TrainerFailed', message: 'x', retryable: false }),
    };
    expect(attemptOutcome(aJob({ metadata: { name: 'xgb-1', annotations: failure } }), [])).toMatchObject({
      state: 'failed',
      reason: 'TrainerFailed',
    });
  });
});
