/** Who may sign, move and delete, as the chart's policies have it, and what the operator makes of it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Approval, ModelAlias, ModelVersion } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { eventually, SIGNING_POLICY, startHarness } from '../operator/harness.ts';
import type { Harness } from '../operator/harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store } from '../operator/objects.ts';
import { admissionPolicies } from './admission.ts';
import * as people from './people.ts';

const NS = 'registry';
const apiVersion = 'slipway.dev/v1alpha1';
const ARGO = 'system:serviceaccount:argocd:argocd-application-controller';
const evidence = 'https://git.acme.io/models/merge/7';
/** The operator believes a signature that was made so long after the policy; see operator/src/signature.ts. */
const UNTIL_BELIEVED_MS = 11_000;
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(podScript);
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS), model(NS));
  for (const name of ['delay-1', 'delay-2', 'delay-3']) await harness.apply(versionOfModel(NS, name));
  await harness.apply(alias('early', 'delay-3', { by: 'ana' }), people.everybodyMay);
  await harness.apply(...admissionPolicies({ users: [ARGO], groups: ['release-bots'] }));
  await sleep(UNTIL_BELIEVED_MS);
  await harness.startOperator({ SLIPWAY_SIGNING_POLICY: SIGNING_POLICY }).working();
  await eventually('delay-1 is verified', async () => (await condition('delay-1', 'Ready'))?.status === 'True');
});
afterAll(() => harness?.stop());

function model(namespace: string) {
  return { apiVersion, kind: 'Model', metadata: { name: 'delay', namespace }, spec: {} };
}

function versionOfModel(namespace: string, name: string) {
  const { spec, ...version } = modelVersion(namespace, name);
  return { ...version, spec: { ...spec, model: { name: 'delay' } } };
}

function alias(word: string, version: string, more: object = {}, namespace = NS) {
  const spec = { model: { name: 'delay' }, alias: word, modelVersion: { name: version }, ...more };
  return { apiVersion, kind: 'ModelAlias', metadata: { name: `delay.${word}`, namespace }, spec };
}

function approval(who: string, more: object) {
  const spec = { modelVersion: { name: 'delay-1' }, decision: 'Approved', ...more };
  return { apiVersion, kind: 'Approval', metadata: { name: `delay-1.${who}`, namespace: NS }, spec };
}

function refusal(args: readonly string[], stdin?: string): Promise<string> {
  return people.refusal(harness.plane, args, stdin);
}

function applyAs(user: string, object: object, groups: readonly string[] = []): Promise<string> {
  return people.applyAs(harness.plane, { user, groups }, object);
}

async function condition(version: string, type: string, namespace = NS) {
  const found = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace, name: version });
  return found?.status?.conditions?.find((one) => one.type === type);
}

async function signatureOf(kind: typeof kinds.ModelAlias | typeof kinds.Approval, name: string) {
  return eventually(`${name} has a signature`, async () => {
    const found = await harness.get<ModelAlias | Approval>(kind, { namespace: NS, name });
    const { observedGeneration, by } = found?.status ?? {};
    return observedGeneration === found?.metadata.generation && by;
  });
}

describe('a signature', () => {
  it('must be that of whoever sends it', async () => {
    expect(await applyAs('bob', approval('ana', { by: 'ana' }))).toContain("spec.by must be 'bob', the user who sends");
    expect(await applyAs('bob', alias('champion', 'delay-1'))).toContain("spec.by must be 'bob'");
    expect(await applyAs('bob', approval('ana', { by: 'ana', evidence }))).toContain('admission.trustedAppliers');
  });

  it('is Verified where it is', async () => {
    expect(await applyAs('ana', approval('ana', { by: 'ana' }))).toBe('');

    expect(await signatureOf(kinds.Approval, 'delay-1.ana')).toBe('Verified');
  });

  it('is Attested where a trusted applier gives it for somebody, with evidence', async () => {
    expect(await applyAs(ARGO, approval('cy', { by: 'cy' }))).toContain('give in spec.evidence an https:// link');
    expect(await applyAs(ARGO, approval('cy', { by: 'cy', evidence }))).toBe('');
    expect(await applyAs('robot', approval('dee', { by: 'dee', evidence }), ['release-bots'])).toBe('');

    expect(await signatureOf(kinds.Approval, 'delay-1.cy')).toBe('Attested');
    expect(await signatureOf(kinds.Approval, 'delay-1.dee')).toBe('Attested');
  });

  it('is Unverified where it is older than the policy', async () => {
    expect(await signatureOf(kinds.ModelAlias, 'delay.early')).toBe('Unverified');
  });

  it('is not asked for again where the spec stays as it is', async () => {
    const label = ['label', '-n', NS, 'approvals.slipway.dev/delay-1.ana', 'team=blue'];

    expect(await refusal(['--as=bob', ...label])).toBe('');
  });
});

describe('an alias', () => {
  it('is moved by who signs, and tells of it', async () => {
    expect(await applyAs('ana', alias('champion', 'delay-1', { by: 'ana' }))).toBe('');
    expect(await signatureOf(kinds.ModelAlias, 'delay.champion')).toBe('Verified');
    expect(await applyAs('bob', alias('champion', 'delay-2', { by: 'ana' }))).toContain("spec.by must be 'bob'");
    expect(await applyAs('bob', alias('champion', 'delay-2', { by: 'bob' }))).toBe('');

    const moved = await eventually('the move is told', async () => {
      const found = await harness.get<ModelAlias>(kinds.ModelAlias, { namespace: NS, name: 'delay.champion' });
      return (found?.status?.history?.length ?? 0) > 1 && found;
    });
    expect(moved.status?.history).toMatchObject([
      { modelVersion: 'delay-2', by: 'bob', signature: 'Verified' },
      { modelVersion: 'delay-1', by: 'ana', signature: 'Verified' },
    ]);
    await eventually('the Event of the move', async () => {
      const { items } = await harness.client.list(builtin.Event, { namespace: NS });
      return items.some(
        ({ reason, note }) => reason === 'AliasMoved' && note?.includes('from delay-1 to delay-2 by bob'),
      );
    });
  });
});

describe('a version', () => {
  const remove = (name: string, namespace = NS) =>
    refusal(['delete', '-n', namespace, `modelversions.slipway.dev/${name}`, '--timeout=20s']);

  it('that is used is not deleted, and who uses it is named', async () => {
    await harness.apply(inferenceService(NS, 'delay-2'));
    await eventually('delay-2 is in use by both', async () =>
      (await condition('delay-2', 'InUse'))?.message.includes('InferenceService flights, ModelAlias delay.champion'),
    );

    expect(await remove('delay-2')).toContain(
      'delay-2 is in use. Used by InferenceService flights, ModelAlias delay.champion. Give them another version',
    );
    const found = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace: NS, name: 'delay-2' });
    expect(found?.metadata.deletionTimestamp).toBeUndefined();
  });

  it('that nobody uses goes at once', async () => {
    expect((await condition('delay-1', 'InUse'))?.status).toBe('False');

    expect(await remove('delay-1')).toBe('');
  });

  it('goes when its last user has gone', async () => {
    expect(await remove('delay-3')).toContain('Used by ModelAlias delay.early.');
    expect(await refusal(['delete', '-n', NS, 'modelaliases.slipway.dev/delay.early'])).toBe('');
    await eventually('nobody uses delay-3', async () => (await condition('delay-3', 'InUse'))?.status === 'False');

    expect(await remove('delay-3')).toBe('');
  });

  it('that is used does not keep its namespace', async () => {
    await harness.apply(namespaceNamed('short'), claim('short'), store('short'), model('short'));
    await harness.apply(versionOfModel('short', 'delay-1'), inferenceService('short', 'delay-1'));
    await harness.apply(alias('champion', 'delay-1', { by: 'admin' }, 'short'));
    await eventually('it is in use', async () => (await condition('delay-1', 'InUse', 'short'))?.status === 'True');

    expect(await refusal(['delete', 'namespace', 'short', '--timeout=90s'])).toBe('');
  });
});

describe('without the policy', () => {
  it('what was verified stays so, and nothing new is', async () => {
    await harness.plane.kubectl(['delete', 'validatingadmissionpolicybindings', SIGNING_POLICY]);
    await eventually('the policy is in force no more', async () => {
      return (await applyAs('bob', approval('eve', { by: 'eve' }))) === '';
    });

    expect(await signatureOf(kinds.Approval, 'delay-1.eve')).toBe('Unverified');
    expect(await signatureOf(kinds.Approval, 'delay-1.ana')).toBe('Verified');
    expect(await signatureOf(kinds.ModelAlias, 'delay.champion')).toBe('Verified');
  });
});

describe('while no operator runs', () => {
  it('the end of a namespace is not held up by what was said to be in use', async () => {
    await Promise.all(harness.operators.map((operator) => operator.stop()));
    await harness.apply(namespaceNamed('late'), versionOfModel('late', 'delay-1'));
    const used = { type: 'InUse', status: 'True', reason: 'Serving', message: 'Used by InferenceService flights.' };
    const status = { conditions: [{ ...used, lastTransitionTime: '2026-11-23T10:00:00Z' }] };
    const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    expect(await refusal(['patch', '-n', 'late', 'modelversions.slipway.dev/delay-1', ...patch])).toBe('');
    expect(await refusal(['delete', '-n', 'late', 'modelversions.slipway.dev/delay-1'])).toContain('is in use');

    expect(await refusal(['delete', 'namespace', 'late', '--timeout=60s'])).toBe('');
  });
});
