/** A service that follows an alias: it waits for it, changes with it, and keeps serving when it goes. */
import type { InferenceService } from '@slipway/crds';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { claim, DIGEST_B, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';

const NS = 'follows';
const apiVersion = 'slipway.dev/v1alpha1';
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(podScript);
  harness.startOperator();
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS));
  await harness.apply({ apiVersion, kind: 'Model', metadata: { name: 'delay', namespace: NS }, spec: {} });
  await harness.apply(
    versionOf('delay', 'delay-1'),
    versionOf('delay', 'delay-2', DIGEST_B),
    versionOf('other', 'other-1'),
  );
});
afterAll(() => harness?.stop());

function versionOf(model: string, name: string, digest?: string) {
  const { spec, ...version } = modelVersion(NS, name, digest);
  return { ...version, spec: { ...spec, model: { name: model } } };
}

const champion = (version: string) => ({
  apiVersion,
  kind: 'ModelAlias',
  metadata: { name: 'delay.champion', namespace: NS },
  spec: { model: { name: 'delay' }, alias: 'champion', modelVersion: { name: version } },
});

async function condition(type: string) {
  const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace: NS, name: 'flights' });
  return found?.status?.conditions?.find((one) => one.type === type);
}

async function serves(version: string): Promise<true | undefined> {
  const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace: NS, name: 'flights' });
  const isUpToDate = (await condition('UpToDate'))?.status === 'True';
  return isUpToDate && found?.status?.stable?.modelVersion === version ? true : undefined;
}

it('takes a version or an alias, and not both', async () => {
  const { spec, ...service } = inferenceService(NS, 'delay-1');
  const both = { ...service, spec: { ...spec, model: { name: 'delay', alias: 'champion' } } };
  const neither = { ...service, spec: {} };
  for (const wrong of [both, neither]) {
    const { stderr } = await harness.plane.kubectl(['apply', '-f', '-'], JSON.stringify(wrong));
    expect(stderr).toContain('give exactly one of modelVersion and model');
  }
});

it('says which alias is missing, and serves what it means once it is there', async () => {
  const { spec: _, ...service } = inferenceService(NS, 'delay-1');
  await harness.apply({ ...service, spec: { model: { name: 'delay', alias: 'champion' } } });
  const ready = await eventually('the missing alias is named', async () => {
    const found = await condition('Ready');
    return found?.reason === 'ModelAliasNotFound' ? found : undefined;
  });
  expect(ready.message).toContain('There is no ModelAlias "delay.champion" in namespace "follows"');

  await harness.apply(champion('delay-1'));
  await eventually('delay-1 serves', () => serves('delay-1'));
});

it('changes to another version when the alias moves', async () => {
  await harness.apply(champion('delay-2'));
  await eventually('delay-2 serves', () => serves('delay-2'));
});

it('serves no version of another Model, and says so', async () => {
  await harness.apply(champion('other-1'));
  const upToDate = await eventually('the mismatch is told', async () => {
    const found = await condition('UpToDate');
    return found?.reason === 'ModelMismatch' ? found : undefined;
  });
  expect(upToDate.message).toBe(
    'ModelAlias "delay.champion" means ModelVersion "other-1", which is no version of Model "delay". Move the alias.',
  );
  expect(await condition('Serving')).toMatchObject({ status: 'True', reason: 'StableServes' });
});

it('keeps serving when the alias is deleted', async () => {
  await harness.client.delete(kinds.ModelAlias, { namespace: NS, name: 'delay.champion' });
  await eventually(
    'the missing alias is named',
    async () => (await condition('Ready'))?.reason === 'ModelAliasNotFound',
  );
  expect(await condition('Serving')).toMatchObject({ status: 'True', reason: 'StableServes' });
});
