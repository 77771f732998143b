/** A version goes from one namespace to another by `slipway promote` and a folder of YAML, and has to show there what it is worth. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { InferenceService, ModelVersion } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { DeepReadonly, Pod } from '@slipway/kube';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness } from './harness.ts';
import type { PodFate } from './kubelet.ts';
import { claim, DIGEST_A, inferenceService, modelVersion, namespaceNamed, store, verified } from './objects.ts';

const CLI = join(import.meta.dirname, '..', '..', '..', 'cli', 'src', 'main.ts');
const [LAB, SHOP] = ['lab', 'shop'];
const apiVersion = 'slipway.dev/v1alpha1';
let harness: Harness;
let folder: string;
/** What the evaluation of the shop finds, whatever the laboratory says of them. */
const quality: Record<string, number> = { 'delay-1': 0.8, 'delay-2': 0.4 };

beforeAll(async () => {
  harness = await startHarness(fateOf);
  folder = mkdtempSync(join(tmpdir(), 'slipway-promotion-'));
  await harness.startOperator().working();
  await harness.apply(namespaceNamed(LAB), claim(LAB), store(LAB), ...['delay-1', 'delay-2'].map(versionOfLab));
  await harness.apply(namespaceNamed(SHOP), claim(SHOP, 'archive'), archive(), model(), datasetVersion());
  writeFileSync(join(folder, 'kustomization.yaml'), `namespace: ${SHOP}\nresources:\n  - flights.yaml\n`);
  writeFileSync(join(folder, 'flights.yaml'), JSON.stringify(inferenceService(SHOP, 'delay-0'), undefined, 2));
});
afterAll(async () => {
  await harness?.stop();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

function fateOf(pod: DeepReadonly<Pod>): PodFate {
  const batch = pod.spec?.containers[0];
  if (batch?.name !== 'batch') return { kind: 'run', ready: true };
  if (batch.args?.[0] !== 'evaluate') return { kind: 'succeed', message: verified(DIGEST_A) };
  const request = JSON.parse(batch.env?.[0]?.value ?? '{}') as { models: { name: string; digest: string }[] };
  const models = request.models.map(({ name, digest }) => {
    return { name, digest, metrics: { 'test.auc': quality[name] ?? 0 } };
  });
  return { kind: 'succeed', message: JSON.stringify({ ok: true, rows: 10, models, warnings: [] }) };
}

/** It praises itself. */
function versionOfLab(name: string) {
  const { spec, ...version } = modelVersion(LAB, name);
  const metrics = [
    { name: 'test.auc', value: 0.99 },
    { name: 'validation.auc', value: 0.9 },
  ];
  return { ...version, spec: { ...spec, model: { name: 'delay' }, number: Number(name.at(-1)), metrics } };
}

function inShop(kind: string, name: string, spec: object) {
  return { apiVersion, kind, metadata: { name, namespace: SHOP }, spec };
}

const archive = () => inShop('Store', 'archive', { uri: 'pvc://archive/shop' });

function model() {
  const evaluation = { dataset: { name: 'flights' }, metrics: ['Auc'] };
  const gates = [{ name: 'good', metric: 'test.auc', min: 0.6 }];
  return inShop('Model', 'delay', { store: { name: 'archive' }, evaluation, gates });
}

function datasetVersion() {
  const artifact = { store: { name: 'archive' }, path: 'datasets/1', digest: DIGEST_A, bytes: 1 };
  const rows = { train: 1, validation: 1, test: 10 };
  return inShop('DatasetVersion', 'flights-1', {
    dataset: { name: 'flights' },
    number: 1,
    recipe: 'r',
    artifact,
    rows,
  });
}

/** As a person would: the command edits the folder, and kubectl applies it. */
async function promote(name: string): Promise<void> {
  await versionBecomes(LAB, name, 'Ready True Verified');
  const args = ['promote', name, '-n', LAB, '--into', folder, '--store', 'archive', '--service', 'flights'];
  const env = { ...process.env, KUBECONFIG: harness.plane.kubeconfigPath };
  await promisify(execFile)(process.execPath, [CLI, ...args], { env });
  const { code, stderr } = await harness.plane.kubectl(['apply', '-k', folder]);
  expect([code, stderr]).toEqual([0, '']);
}

async function versionBecomes(namespace: string, name: string, told: string): Promise<ModelVersion> {
  return eventually(`${name} in ${namespace} is ${told}`, async () => {
    const found = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace, name });
    const conditions = found?.status?.conditions ?? [];
    return conditions.some(({ type, status, reason }) => `${type} ${status} ${reason}` === told) && found;
  });
}

async function serviceBecomes(told: string): Promise<InferenceService> {
  return eventually(`the service is ${told}`, async () => {
    const found = await harness.get<InferenceService>(kinds.InferenceService, { namespace: SHOP, name: 'flights' });
    const conditions = found?.status?.conditions ?? [];
    return conditions.some(({ type, status, reason }) => `${type} ${status} ${reason}` === told) && found;
  });
}

describe('a promoted version', () => {
  it('is verified where it comes to, in the Store of that place, and judged by the gates of that place', async () => {
    await promote('delay-1');
    const version = await versionBecomes(SHOP, 'delay-1', 'GatesPassed True GatesPassed');

    expect(version.metadata.annotations?.['slipway.dev/origin']).toContain(`"namespace":"${LAB}"`);
    expect(version.status?.evaluation).toMatchObject({ datasetVersion: 'flights-1', rows: 10 });
    const { items } = await harness.client.list(builtin.Pod, {
      namespace: SHOP,
      labelSelector: 'batch.kubernetes.io/job-name',
    });
    const claims = items.flatMap(({ spec }) =>
      spec?.volumes?.flatMap((one) => one.persistentVolumeClaim?.claimName ?? []),
    );
    expect(items.length).toBeGreaterThan(0);
    expect(new Set(claims)).toEqual(new Set(['archive']));
  }, 90_000);

  it('has metrics that say from where they came', async () => {
    const version = await versionBecomes(SHOP, 'delay-1', 'GatesPassed True GatesPassed');

    expect(version.status?.metrics).toEqual([
      { name: 'test.auc', value: 0.8, source: 'Evaluation' },
      { name: 'test.auc', value: 0.99, source: 'Imported' },
      { name: 'validation.auc', value: 0.9, source: 'Imported' },
    ]);
  }, 60_000);

  it('serves there', async () => {
    const { status } = await serviceBecomes('Ready True UpToDate');

    expect(status?.stable?.modelVersion).toBe('delay-1');
  }, 60_000);

  it('that fails the gates there serves nobody, however well it spoke of itself, and the one before goes on', async () => {
    await promote('delay-2');
    await versionBecomes(SHOP, 'delay-2', 'GatesPassed False GateFailed');
    const { status } = await serviceBecomes('Stalled True VersionNotServable');

    expect(status?.stable).toMatchObject({ modelVersion: 'delay-1', ready: 1 });
    expect(status?.conditions?.find(({ type }) => type === 'Serving')?.status).toBe('True');
  }, 90_000);
});
