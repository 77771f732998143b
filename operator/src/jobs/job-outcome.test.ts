import type { Job, Pod } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { aJob, aPod, containerStatus } from '../testing/fixtures.ts';
import { jobOutcome, resultToRecord } from './job-outcome.ts';
import type { JobOutcome } from './job-outcome.ts';

const schema = z.strictObject({ ok: z.literal(true), rows: z.number() });
const GOOD = JSON.stringify({ ok: true, rows: 7 });
const BAD = JSON.stringify({ ok: false, reason: 'FileNotFound', message: 'There is no file weather/*.csv.' });

type Terminated = { exitCode: number; message?: string; reason?: string };

function ended(terminated: Terminated, more: Parameters<typeof aPod>[0] = {}): Pod {
  const phase = terminated.exitCode === 0 ? 'Succeeded' : 'Failed';
  return aPod({ ...more, status: { phase, containerStatuses: [containerStatus('batch', { terminated })] } });
}

function waiting(reason: string, message: string): Pod {
  const status = { phase: 'Pending', containerStatuses: [containerStatus('batch', { waiting: { reason, message } })] };
  return aPod({ status });
}

function unscheduled(message: string): Pod {
  const condition = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message };
  return aPod({ status: { phase: 'Pending', conditions: [condition] } });
}

function jobWith(type: string, reason = '', message = ''): Job {
  return aJob({ status: { conditions: [{ type, status: 'True', reason, message }] } });
}

interface Case {
  job?: Job | undefined;
  pods?: Pod[];
  createFailure?: string;
  mountFailures?: ReadonlyMap<string, string>;
  expected: Partial<JobOutcome<unknown>> | Record<string, unknown>;
}

const running = aPod({ status: { phase: 'Running' } });

const cases: Record<string, Case> = {
  'there is no Job': { job: undefined, expected: { state: 'absent' } },
  'a Job without pods starts': { expected: { state: 'pending', reason: 'Starting' } },
  'a quota keeps the pods away': {
    createFailure:
      'Error creating: pods "verify-x1" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1',
    expected: {
      state: 'pending',
      reason: 'QuotaExceeded',
      message:
        'The namespace does not accept the pod: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1.',
    },
  },
  'the quota was long ago: a pod is there': {
    pods: [running],
    createFailure: 'exceeded quota',
    expected: { state: 'running' },
  },
  'Pod Security refuses the pod': {
    createFailure: 'Error creating: pods "a" is forbidden: violates PodSecurity "restricted:latest"',
    expected: { state: 'pending', reason: 'PodRefused' },
  },
  'an image is not there': {
    pods: [
      waiting(
        'ImagePullBackOff',
        'Back-off pulling image "img:1": ErrImagePull: rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/img:1": not found',
      ),
    ],
    expected: {
      state: 'pending',
      reason: 'ImagePullFailed',
      message:
        'Image "img:1" of container "batch" cannot be pulled: failed to pull and unpack image "docker.io/library/img:1": not found. Check its name and tag, and that the nodes may pull it.',
    },
  },
  'the same image, one moment later, in the same words': {
    pods: [
      waiting(
        'ErrImagePull',
        'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/img:1": not found',
      ),
    ],
    expected: {
      message:
        'Image "img:1" of container "batch" cannot be pulled: failed to pull and unpack image "docker.io/library/img:1": not found. Check its name and tag, and that the nodes may pull it.',
    },
  },
  'no node has room': {
    pods: [
      unscheduled(
        '0/1 nodes are available: 1 Insufficient memory. preemption: 0/1 nodes are available: 1 No preemption victims found.',
      ),
    ],
    expected: {
      reason: 'Unschedulable',
      message:
        'No node takes the pod: 0/1 nodes are available: 1 Insufficient memory. Lower its requests, or add nodes.',
    },
  },
  'its volume claim is gone': {
    pods: [unscheduled('0/1 nodes are available: persistentvolumeclaim "lake" not found.')],
    expected: { state: 'pending', reason: 'VolumeNotReady' },
  },
  'its volume cannot be mounted': {
    pods: [aPod({ status: { phase: 'Pending' } })],
    mountFailures: new Map([
      ['uid-of-verify-x', 'MountVolume.SetUp failed for volume "pvc-6f7e4f0e-1111-2222-3333-444455556666" : timeout'],
    ]),
    expected: {
      reason: 'VolumeNotReady',
      message: 'A volume of the pod cannot be mounted: MountVolume.SetUp failed for volume "pvc-…" : timeout.',
    },
  },
  'a pod runs': { pods: [running], expected: { state: 'running' } },
  'a pod failed and the Job tries again': {
    pods: [ended({ exitCode: 1, message: 'disk on fire' })],
    expected: {
      state: 'running',
      trouble: {
        reason: 'ContainerFailed',
        message: 'Container "batch" of the pod ended with exit code 1: disk on fire.',
      },
    },
  },
  'a pod ended well, before the Job says so': {
    pods: [ended({ exitCode: 0, message: GOOD })],
    expected: { state: 'succeeded', result: { ok: true, rows: 7 } },
  },
  'a pod of somebody else claims a result': {
    job: jobWith('Complete'),
    pods: [ended({ exitCode: 0, message: GOOD }, { controller: { kind: 'Job', uid: 'another' } })],
    expected: { state: 'failed', reason: 'ResultLost', retryable: true },
  },
  'the result does not have the shape': {
    job: jobWith('Complete'),
    pods: [ended({ exitCode: 0, message: '{"ok":true}' })],
    expected: { state: 'failed', reason: 'ResultLost' },
  },
  'the result was recorded and everything else is lost': {
    job: aJob({ metadata: { name: 'verify', uid: 'u', annotations: { 'slipway.dev/result': GOOD } } }),
    expected: { state: 'succeeded', result: { ok: true, rows: 7 } },
  },
  'the input was bad': {
    job: jobWith('Failed', 'PodFailurePolicy', 'Container batch failed with exit code 3'),
    pods: [ended({ exitCode: 3, message: BAD })],
    expected: { state: 'failed', reason: 'FileNotFound', message: 'There is no file weather/*.csv.', retryable: false },
  },
  'out of memory': {
    job: jobWith('Failed', 'BackoffLimitExceeded'),
    pods: [
      ended(
        { exitCode: 137, reason: 'OOMKilled' },
        { spec: { containers: [{ name: 'batch', resources: { limits: { memory: '64Mi' } } }] } },
      ),
    ],
    expected: {
      state: 'failed',
      reason: 'OOMKilled',
      message: 'Container "batch" of the pod used more memory than its limit of 64Mi. Raise resources.limits.memory.',
      retryable: true,
    },
  },
  'a rank failed': {
    job: jobWith('Failed', 'BackoffLimitExceeded'),
    pods: [
      ended(
        { exitCode: 2, message: '{"level":"info","time":"…","msg":"start"}\nValueError: bad.' },
        { metadata: { annotations: { 'batch.kubernetes.io/job-completion-index': '1' } } },
      ),
    ],
    expected: { message: 'Container "batch" of the pod of rank 1 ended with exit code 2: start | ValueError: bad.' },
  },
  'evicted by its node': {
    job: jobWith('Failed', 'BackoffLimitExceeded'),
    pods: [
      aPod({
        status: { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: ephemeral-storage.' },
      }),
    ],
    expected: {
      reason: 'Evicted',
      message: 'The pod was ended by the cluster (Evicted). The node was low on resource: ephemeral-storage.',
    },
  },
  'past its deadline': {
    job: jobWith('Failed', 'DeadlineExceeded', 'Job was active longer than specified deadline'),
    expected: {
      reason: 'DeadlineExceeded',
      message: 'The Job ran longer than it may. Job was active longer than specified deadline.',
    },
  },
  'failed, and its pods are gone': {
    job: jobWith('Failed', 'BackoffLimitExceeded', 'Job has reached the specified backoff limit'),
    expected: {
      reason: 'BackoffLimitExceeded',
      message: 'The Job failed. Job has reached the specified backoff limit.',
    },
  },
};

describe('jobOutcome', () => {
  it.each(Object.entries(cases))('%s', (_, { expected, pods = [], createFailure, mountFailures, ...rest }) => {
    const job = 'job' in rest ? rest.job : aJob();
    const outcome = jobOutcome(job, pods, {
      result: schema,
      createFailure,
      ...(mountFailures === undefined ? {} : { mountFailures }),
    });
    expect(outcome).toMatchObject(expected);
  });

  it('is the same for a failure that was recorded when its pods are gone', () => {
    const failed = jobOutcome(jobWith('Failed', 'PodFailurePolicy'), [ended({ exitCode: 3, message: BAD })], {
      result: schema,
    });
    const annotations = { 'slipway.dev/result': resultToRecord(failed) ?? '' };

    expect(jobOutcome(aJob({ metadata: { name: 'verify', uid: 'u', annotations } }), [], { result: schema })).toEqual(
      failed,
    );
  });

  it('does not depend on the order of the pods', () => {
    const pods = [
      ended({ exitCode: 1, message: 'first' }, { name: 'a', metadata: { creationTimestamp: '2026-11-23T09:00:00Z' } }),
      ended({ exitCode: 1, message: 'last' }, { name: 'b', metadata: { creationTimestamp: '2026-11-23T09:01:00Z' } }),
    ];
    const outcome = jobOutcome(jobWith('Failed', 'BackoffLimitExceeded'), pods, { result: schema });
    expect(outcome).toEqual(
      jobOutcome(jobWith('Failed', 'BackoffLimitExceeded'), pods.toReversed(), { result: schema }),
    );
    expect(outcome).toMatchObject({ message: 'Container "batch" of the pod ended with exit code 1: last.' });
  });
});
