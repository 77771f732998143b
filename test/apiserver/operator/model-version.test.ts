/** What a person sees of a ModelVersion whose verification does not go well, and that the fix is applied without deleting anything. */
import { builtin } from '@slipway/kube';
import type { Event } from '@slipway/kube';
import type { ModelVersion } from '@slipway/crds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness, OperatorProcess } from './harness.ts';
import type { PodFate } from './kubelet.ts';
import { claim, DIGEST_A, modelVersion, namespaceNamed, store, verified } from './objects.ts';

const NS = 'registry';
let harness: Harness;
let operator: OperatorProcess;
/** By name of the ModelVersion. */
const fates = new Map<string, PodFate>();

beforeAll(async () => {
  harness = await startHarness(
    (pod) =>
      fates.get(pod.metadata.labels?.['slipway.dev/modelversion'] ?? '') ?? {
        kind: 'succeed',
        message: verified(DIGEST_A),
      },
  );
  operator = harness.startOperator();
  await harness.apply(namespaceNamed(NS));
});
afterAll(() => harness?.stop());

function version(name: string) {
  return harness.get<ModelVersion>(kinds.ModelVersion, { namespace: NS, name });
}

async function becomes(name: string, reason: string) {
  return eventually(`${name} is ${reason}`, async () => {
    const found = await version(name);
    return found?.status?.conditions?.find((one) => one.type === 'Ready' && one.reason === reason);
  });
}

describe('a ModelVersion', () => {
  it('waits for its Store, and for the claim of its Store, and says which is missing', async () => {
    await harness.apply(modelVersion(NS, 'first'));
    expect(await becomes('first', 'StoreNotFound')).toMatchObject({ status: 'False' });
    await harness.apply(store(NS));
    expect((await becomes('first', 'StoreNotReady')).message).toContain('There is no PersistentVolumeClaim "models"');
    await harness.apply(claim(NS));
    expect(await becomes('first', 'Verified')).toMatchObject({ status: 'True' });
    expect((await version('first'))?.status).toMatchObject({ bytes: 42, signature: { inputs: [{ name: 'x' }] } });
  });

  it('tells why the pod of its verification does not start, and goes on by itself when it does', async () => {
    fates.set('late', {
      kind: 'waitsFor',
      reason: 'ImagePullBackOff',
      message: 'Back-off pulling image "x": ErrImagePull: not found',
    });
    await harness.apply(modelVersion(NS, 'late'));
    expect((await becomes('late', 'ImagePullFailed')).message).toBe(
      'Image "slipway/batch-runtime:test" of container "batch" cannot be pulled: not found. Check its name and tag, and that the nodes may pull it.',
    );
    fates.set('late', { kind: 'unschedulable', message: '0/1 nodes are available: 1 Insufficient cpu.' });
    await becomes('late', 'Unschedulable');
    fates.delete('late');
    await becomes('late', 'Verified');
  });

  it('tells that a quota keeps the pod away', async () => {
    const quota = {
      apiVersion: 'v1',
      kind: 'ResourceQuota',
      metadata: { name: 'none', namespace: NS },
      spec: { hard: { pods: '0' } },
    };
    await harness.apply(quota);
    await eventually('the quota counts', async () => {
      const { stdout } = await harness.plane.kubectl([
        'get',
        'resourcequota',
        'none',
        '-n',
        NS,
        '-o',
        'jsonpath={.status.hard.pods}',
      ]);
      return stdout === '0';
    });
    await harness.apply(modelVersion(NS, 'bounded'));
    expect((await becomes('bounded', 'QuotaExceeded')).message).toContain('exceeded quota: none');
    await harness.plane.kubectl(['delete', 'resourcequota', 'none', '-n', NS]);
    await becomes('bounded', 'Verified');
  }, 120_000);

  it('is stalled at once by bad bytes, with an Event, and is verified again where the Store is put right', async () => {
    const message = JSON.stringify({ ok: false, reason: 'DigestMismatch', message: 'The bytes have another digest.' });
    fates.set('wrong', { kind: 'fail', exitCode: 3, message });
    await harness.apply(modelVersion(NS, 'wrong'));
    await becomes('wrong', 'DigestMismatch');
    const ready = await eventually('the Job has given up', async () =>
      (await version('wrong'))?.status?.conditions?.find(({ type }) => type === 'Stalled'),
    );
    expect(ready.message).toMatch(
      /^The bytes have another digest\. It is tried again from time to time, and at once after: kubectl delete job wrong-verify-/,
    );
    expect((await version('wrong'))?.status?.conditions?.map(({ type, status }) => `${type} ${status}`)).toEqual([
      'Ready False',
      'Stalled True',
      'ArtifactVerified False',
      'GatesPassed True',
      'Approved True',
      'Compatible True',
      'InUse False',
    ]);
    await eventually('the Event', async () =>
      (await eventsOf('wrong')).some(({ reason, type }) => reason === 'DigestMismatch' && type === 'Warning'),
    );

    fates.delete('wrong');
    await harness.apply(store(NS, 'pvc://models/right'));
    await becomes('wrong', 'Verified');
  });

  it('keeps its result when its pods, its status and the operator are gone', async () => {
    // All versions are verified again, because their Store has moved.
    await eventually('every verification has its result', async () => {
      const { items } = await harness.client.list(builtin.Job, { namespace: NS });
      return (
        items.length === 4 && items.every(({ metadata }) => metadata.annotations?.['slipway.dev/result'] !== undefined)
      );
    });
    await operator.kill();
    await harness.plane.kubectl(['delete', 'pods', '--all', '-n', NS, '--grace-period=0', '--force']);
    const patch = ['--subresource=status', '--type=json', '-p', '[{"op":"remove","path":"/status"}]'];
    await harness.plane.kubectl(['patch', '-n', NS, 'modelversions.slipway.dev/first', ...patch]);
    operator = harness.startOperator();
    await becomes('first', 'Verified');
    expect((await harness.client.list(builtin.Pod, { namespace: NS })).items).toEqual([]);
  });
});

async function eventsOf(name: string): Promise<Event[]> {
  const { items } = await harness.client.list(builtin.Event, { namespace: NS });
  return items.filter(({ regarding }) => regarding?.name === name);
}
