/** A Model that asks for approval: no service starts a version before people have approved it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { InferenceService, ModelVersion } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { eventually, SIGNING_POLICY, startHarness } from '../operator/harness.ts';
import type { Harness } from '../operator/harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store } from '../operator/objects.ts';
import { admissionPolicies } from './admission.ts';
import { applyAs, everybodyMay, refusal } from './people.ts';

const NS = 'asks';
const apiVersion = 'slipway.dev/v1alpha1';
/** The operator believes a policy some time after its creation. */
const UNTIL_BELIEVED_MS = 11_000;
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(podScript);
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS), everybodyMay);
  await harness.apply(model(2), version('delay-1'), approval('delay-1', 'early', 'eve'));
  await harness.apply(...admissionPolicies({ users: [], groups: [] }));
  await sleep(UNTIL_BELIEVED_MS);
  await harness.startOperator({ SLIPWAY_SIGNING_POLICY: SIGNING_POLICY }).working();
}, 120_000);
afterAll(() => harness?.stop());

function model(count: number) {
  const spec = { approval: { required: 'Always', count } };
  return { apiVersion, kind: 'Model', metadata: { name: 'delay', namespace: NS }, spec };
}

function version(name: string) {
  const { spec, ...object } = modelVersion(NS, name);
  return { ...object, spec: { ...spec, model: { name: 'delay' } } };
}

function approval(of: string, word: string, by: string, decision = 'Approved') {
  const metadata = { name: `${of}.${word}`, namespace: NS };
  return { apiVersion, kind: 'Approval', metadata, spec: { modelVersion: { name: of }, decision, by } };
}

async function signs(user: string, of: string, decision?: string) {
  expect(await applyAs(harness.plane, { user }, approval(of, user, user, decision))).toBe('');
}

async function becomes(name: string, told: string) {
  return eventually(`${name} is ${told}`, async () => {
    const found = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace: NS, name });
    const { status, reason, message = '' } = found?.status?.conditions?.find(({ type }) => type === 'Approved') ?? {};
    return `${status} ${reason}` === told ? { message } : undefined;
  });
}

async function serviceSays(type: string, reason: string) {
  return eventually(`the service is ${type} ${reason}`, async () => {
    const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace: NS, name: 'flights' });
    return found?.status?.conditions?.find((one) => one.type === type && one.reason === reason);
  });
}

async function versionsWithPods(): Promise<(string | undefined)[]> {
  const { items } = await harness.client.list(builtin.Deployment, { namespace: NS });
  return items.map(({ metadata }) => metadata.labels?.['slipway.dev/modelversion']);
}

describe('a version that people have to approve', () => {
  it('is not started before enough of them have, and says who is waited for', async () => {
    await harness.apply(inferenceService(NS, 'delay-1'));
    await signs('ana', 'delay-1');
    const { message } = await eventually('ana is counted', async () => {
      const said = await becomes('delay-1', 'Unknown WaitingForApproval');
      return said.message.includes('1 of 2') && said;
    });
    expect(message).toBe(
      'It waits for an Approval: 1 of 2 people have approved it (ana). Approval delay-1.early does not count, because it is Unverified.',
    );
    const ready = await serviceSays('Reconciling', 'ModelVersionNotReady');
    expect(ready.message).toContain('may not be served yet: It waits for an Approval');
    expect(await versionsWithPods()).toEqual([]);

    await signs('bob', 'delay-1');
    expect((await becomes('delay-1', 'True Approved')).message).toBe('Approved by ana, bob.');
    await serviceSays('UpToDate', 'UpToDate');
  }, 90_000);

  it('goes on serving when it is rejected, and is not started by another service', async () => {
    await signs('cy', 'delay-1', 'Rejected');
    await becomes('delay-1', 'False Rejected');
    const other = inferenceService(NS, 'delay-1');
    await harness.apply({ ...other, metadata: { ...other.metadata, name: 'late' } });
    await eventually('the other service says who rejected it', async () => {
      const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace: NS, name: 'late' });
      const stalled = found?.status?.conditions?.find(({ type }) => type === 'Stalled');
      return stalled?.reason === 'VersionNotServable' && stalled.message.includes('It was rejected by cy');
    });
    expect(await versionsWithPods()).toEqual(['delay-1']);
    await serviceSays('Serving', 'Serving');
  }, 60_000);

  it('is not approved by what was said of another one that had its name', async () => {
    await harness.apply(model(1), version('delay-2'));
    await signs('ana', 'delay-2');
    await becomes('delay-2', 'True Approved');
    expect(await refusal(harness.plane, ['delete', '-n', NS, 'modelversions.slipway.dev/delay-2'])).toBe('');
    await sleep(1_100); // Times of creation have a resolution of one second.
    await harness.apply(version('delay-2'));
    const { message } = await becomes('delay-2', 'Unknown WaitingForApproval');
    expect(message).toContain('Approval delay-2.ana does not count, because it is older than this version.');
    await eventually('the Approval says so, too', async () => {
      const found = await harness.get(kinds.Approval, { namespace: NS, name: 'delay-2.ana' });
      return found?.status?.conditions?.some(({ reason }) => reason === 'OlderThanVersion');
    });
  }, 60_000);
});
