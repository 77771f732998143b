import type { Deployment, Pod } from '@slipway/kube';
import { describe, expect, it } from 'vitest';
import { aPod, containerStatus } from '../../testing/fixtures.ts';
import { revisionTrouble } from './revision-trouble.ts';

type State = Parameters<typeof containerStatus>[1];

const spec = {
  initContainers: [{ name: 'fetch', image: 'batch:1' }],
  containers: [{ name: 'server', image: 'serving:1', resources: { limits: { memory: '256Mi' } } }],
};

function servingPod(states: { fetch?: [State, State?]; server?: [State, State?]; ready?: boolean }): Pod {
  const statusOf = (name: string, [state, lastState]: [State, State?]) =>
    containerStatus(name, state, lastState === undefined ? {} : { lastState });
  return aPod({
    controller: { kind: 'ReplicaSet', uid: 'rs' },
    spec,
    status: {
      phase: states.fetch === undefined ? 'Running' : 'Pending',
      conditions: [{ type: 'Ready', status: states.ready === true ? 'True' : 'False' }],
      ...(states.fetch === undefined ? {} : { initContainerStatuses: [statusOf('fetch', states.fetch)] }),
      ...(states.server === undefined ? {} : { containerStatuses: [statusOf('server', states.server)] }),
    },
  });
}

const backOff: State = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s' } };
const running: State = { running: {} };
const mismatch = JSON.stringify({ ok: false, reason: 'DigestMismatch', message: 'Other bytes.' });
const badBytes: State = { terminated: { exitCode: 3, message: mismatch } };
const oom: State = { terminated: { exitCode: 137, reason: 'OOMKilled' } };

const cases: Record<string, { pod: Pod; expected: object | undefined }> = {
  'the model is being copied': { pod: servingPod({ fetch: [running] }), expected: undefined },
  'the copied bytes are wrong': {
    pod: servingPod({ fetch: [badBytes] }),
    expected: { reason: 'DigestMismatch', message: 'Other bytes.' },
  },
  'the same between two tries': {
    pod: servingPod({ fetch: [backOff, badBytes] }),
    expected: { reason: 'DigestMismatch', message: 'Other bytes.' },
  },
  'the same while it tries again': {
    pod: servingPod({ fetch: [running, badBytes] }),
    expected: { reason: 'DigestMismatch', message: 'Other bytes.' },
  },
  'the server needs more memory': {
    pod: servingPod({ server: [backOff, oom] }),
    expected: {
      reason: 'OOMKilled',
      message: 'Container "server" of the pod used more memory than its limit of 256Mi. Raise resources.limits.memory.',
    },
  },
  'the server loads the model': { pod: servingPod({ server: [running] }), expected: undefined },
  'the server was restarted once and is well': {
    pod: servingPod({ server: [running, oom], ready: true }),
    expected: undefined,
  },
  'there is no such image': {
    pod: servingPod({ server: [{ waiting: { reason: 'ErrImagePull', message: 'not found' } }] }),
    expected: { reason: 'ImagePullFailed' },
  },
};

describe('revisionTrouble', () => {
  it.each(Object.entries(cases))('%s', (_, { pod, expected }) => {
    const trouble = revisionTrouble({ deployment: undefined, pods: [pod], mountFailures: new Map() });
    if (expected === undefined) expect(trouble).toBeUndefined();
    else expect(trouble).toMatchObject(expected);
  });

  it('tells what keeps the Deployment from making pods', () => {
    const message = 'pods "a" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1';
    const status = { conditions: [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message }] };
    const deployment: Deployment = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'a' }, status };

    expect(revisionTrouble({ deployment, pods: [], mountFailures: new Map() })).toEqual({
      reason: 'QuotaExceeded',
      message:
        'The namespace does not accept the pods: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1.',
    });
  });
});
