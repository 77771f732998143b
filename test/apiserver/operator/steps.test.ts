/** A version with steps before and after its model on a real API server: served, exchanged for one without them, refused. */
import { builtin } from '@slipway/kube';
import type { Deployment } from '@slipway/kube';
import type { InferenceService } from '@slipway/crds';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import { claim, DIGEST_A, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';

const NS = 'team';
const KEY = { namespace: NS, name: 'flights' };
let harness: Harness;

beforeAll(async () => {
  harness = await startHarness(podScript);
  await harness.startOperator().working();
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS), stepped(), modelVersion(NS, 'plain', DIGEST_A));
});
afterAll(() => harness?.stop());

function stepped() {
  const version = modelVersion(NS, 'stepped', DIGEST_A);
  const serve = { before: { image: 'acme/tokenizer:1' }, after: { image: 'acme/words:1', port: 7000 } };
  return { ...version, spec: { ...version.spec, serve } };
}

async function stableDeployment(modelVersionName: string): Promise<Deployment> {
  return eventually(`${modelVersionName} serves`, async () => {
    const stable = (await harness.get<InferenceService>(kinds.InferenceService, KEY))?.status?.stable;
    if (stable?.modelVersion !== modelVersionName) return undefined;
    return harness.get<Deployment>(builtin.Deployment, { namespace: NS, name: stable.revision });
  });
}

const namesIn = ({ spec }: Deployment) => spec?.template.spec?.initContainers?.map(({ name }) => name);

it('is served with its steps, at the ports that the schema gives them', async () => {
  await harness.apply(inferenceService(NS, 'stepped'));
  const deployment = await stableDeployment('stepped');
  expect(namesIn(deployment)).toEqual(['fetch', 'before', 'after']);
  const { initContainers = [], containers = [] } = deployment.spec?.template.spec ?? {};
  expect(initContainers.slice(1)).toMatchObject([
    { image: 'acme/tokenizer:1', restartPolicy: 'Always', ports: [{ containerPort: 9001 }] },
    { image: 'acme/words:1', restartPolicy: 'Always', ports: [{ containerPort: 7000 }] },
  ]);
  expect(containers[0]?.args?.join(' ')).toContain('"before":{"url":"http://127.0.0.1:9001"}');
});

it('leaves with its steps when another one is served', async () => {
  await harness.apply(inferenceService(NS, 'plain'));
  expect(namesIn(await stableDeployment('plain'))).toEqual(['fetch']);
});

it('is refused by a service with a model server of other people, and what serves goes on', async () => {
  const spec = { image: 'others/server:1', formats: [{ name: 'Onnx' }], ports: { http: 7000 } };
  const metadata = { name: 'others', namespace: NS };
  await harness.apply({ apiVersion: 'slipway.dev/v1alpha1', kind: 'ServingRuntime', metadata, spec });
  await harness.apply(inferenceService(NS, 'stepped', { runtime: { kind: 'ServingRuntime', name: 'others' } }));
  const refused = await eventually('Ready says so', async () => {
    const found = await harness.get<InferenceService>(kinds.InferenceService, KEY);
    return found?.status?.conditions?.find(({ reason, type }) => type === 'Ready' && reason === 'StepsNotServed');
  });
  expect(refused.message).toContain('Take spec.runtime out, or name a version without them.');
  expect(namesIn(await stableDeployment('plain'))).toEqual(['fetch']);
});
