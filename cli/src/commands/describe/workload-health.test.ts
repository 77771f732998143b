import type { Pod } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { deploymentHealth, jobHealth, podHealth } from './workload-health.ts';

function pod(status: object): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, status };
}

const crashed = (message: string) =>
  pod({
    phase: 'Running',
    containerStatuses: [
      {
        name: 'server',
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 1, reason: 'Error', message } },
      },
    ],
  });

describe('a pod', () => {
  it('that crashed says how, and the last that its container said', () => {
    expect(podHealth(crashed('starting\nout of luck'))).toEqual({
      state: 'wrong',
      reason: 'Error',
      message: 'Container "server" ended with exit code 1: out of luck',
    });
  });

  it.each([
    ['{"level":60,"msg":"no model","err":{"message":"bad allocation"}}', 'no model: bad allocation'],
    ['{"ok":false,"reason":"DigestMismatch","message":"other bytes"}', 'DigestMismatch: other bytes'],
    ['{"half', '{"half'],
  ])('reads %s', (line, words) => {
    expect(podHealth(crashed(line)).message).toBe(`Container "server" ended with exit code 1: ${words}`);
  });

  it('that waits for its image says so; one whose container is being created only starts', () => {
    const waits = (reason: string) =>
      pod({
        phase: 'Pending',
        containerStatuses: [{ name: 'server', state: { waiting: { reason, message: 'no such tag' } } }],
      });

    expect(podHealth(waits('ErrImagePull'))).toMatchObject({ state: 'wrong', reason: 'ErrImagePull' });
    expect(podHealth(waits('ContainerCreating'))).toMatchObject({ state: 'waiting', reason: 'Starting' });
  });

  it('that no node takes waits', () => {
    const conditions = [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes are available' }];

    expect(podHealth(pod({ phase: 'Pending', conditions }))).toMatchObject({
      state: 'waiting',
      reason: 'Unschedulable',
    });
  });
});

it('a Deployment is well with all its pods, and wrong where they are refused', () => {
  const deployment = (status: object) =>
    deploymentHealth({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: { replicas: 2 },
      status,
    } as never);

  expect(deployment({ readyReplicas: 2 }).state).toBe('well');
  expect(deployment({ readyReplicas: 1 })).toMatchObject({ state: 'waiting', message: '1 of 2 pods ready' });
  expect(
    deployment({ conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'exceeded quota' }] }),
  ).toMatchObject({
    state: 'wrong',
    message: 'exceeded quota',
  });
});

it('a Job that failed says why', () => {
  const conditions = [
    { type: 'FailureTarget', status: 'True', reason: 'x' },
    { type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded', message: 'too often' },
  ];

  expect(jobHealth({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'j' }, status: { conditions } })).toEqual({
    state: 'wrong',
    reason: 'BackoffLimitExceeded',
    message: 'too often',
  });
});
