/** A version is evaluated and judged, once, whatever becomes of Jobs, statuses, aliases and the operator. */
import { builtin } from '@slipway/kube';
import type { DeepReadonly, Pod } from '@slipway/kube';
import type { ModelVersion } from '@slipway/crds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness, OperatorProcess } from './harness.ts';
import type { PodFate } from './kubelet.ts';
import { champion, claim, DIGEST_A, inferenceService, namespaceNamed, store, verified } from './objects.ts';

const NS = 'gates';
const apiVersion = 'slipway.dev/v1alpha1';
let harness: Harness;
let operator: OperatorProcess;
/** Whether pods that evaluate do not get on. */
let isHeldUp = false;
/** What an evaluation finds for each version. */
const quality: Record<string, number> = { 'delay-1': 0.8, 'delay-2': 0.7, 'delay-3': 0.9 };

beforeAll(async () => {
  harness = await startHarness(fateOf);
  operator = harness.startOperator();
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS));
});
afterAll(() => harness?.stop());

function fateOf(pod: DeepReadonly<Pod>): PodFate {
  const batch = pod.spec?.containers[0];
  if (batch?.name !== 'batch') return { kind: 'run', ready: true };
  if (batch.args?.[0] !== 'evaluate') return { kind: 'succeed', message: verified(DIGEST_A) };
  if (isHeldUp) return { kind: 'run', ready: true };
  const request = JSON.parse(batch.env?.[0]?.value ?? '{}') as { models: { name: string; digest: string }[] };
  const models = request.models.map(({ name, digest }) => ({
    name,
    digest,
    metrics: { 'test.auc': quality[name] ?? 0 },
  }));
  return { kind: 'succeed', message: JSON.stringify({ ok: true, rows: 10, models, warnings: [] }) };
}

function object(kind: string, name: string, spec: object) {
  return { apiVersion, kind, metadata: { name, namespace: NS }, spec };
}

function model(min: number) {
  const evaluation = { dataset: { name: 'flights' }, metrics: ['Auc'], rescore: ['champion'] };
  const gates = [
    { name: 'good', metric: 'test.auc', min },
    { name: 'better', metric: 'test.auc', notWorseThan: { alias: 'champion', by: 0.01 } },
  ];
  return object('Model', 'delay', { evaluation, gates });
}

function version(name: string) {
  const artifact = { path: `models/${name}`, digest: DIGEST_A, format: 'Onnx' };
  return object('ModelVersion', name, { model: { name: 'delay' }, number: Number(name.at(-1)), artifact });
}

const datasetVersion = (number: number) =>
  object('DatasetVersion', `flights-${number}`, {
    dataset: { name: 'flights' },
    number,
    recipe: 'r',
    artifact: { store: { name: 'default' }, path: `datasets/${number}`, digest: DIGEST_A, bytes: 1 },
    rows: { train: 1, validation: 1, test: 10 },
  });

async function becomes(name: string, told: string) {
  return eventually(`${name} is ${told}`, async () => {
    const found = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace: NS, name });
    const conditions = found?.status?.conditions ?? [];
    return conditions.some(({ type, status, reason }) => `${type} ${status} ${reason}` === told) && found;
  });
}

async function evaluationsOf(name: string) {
  const labelSelector = `slipway.dev/modelversion=${name},slipway.dev/role=evaluate`;
  return (await harness.client.list(builtin.Job, { namespace: NS, labelSelector })).items;
}

describe('the gates of a Model', () => {
  it('hold a version back until its Model, its Dataset and its evaluation are there', async () => {
    await harness.apply(version('delay-1'));
    await becomes('delay-1', 'GatesPassed Unknown ModelNotFound');
    await harness.apply(model(0.6));
    await becomes('delay-1', 'GatesPassed Unknown DatasetNotFound');
    expect(await evaluationsOf('delay-1')).toEqual([]);
    await harness.apply(datasetVersion(1));
    const found = await becomes('delay-1', 'GatesPassed True GatesPassed');
    expect(found.status?.metrics).toEqual([{ name: 'test.auc', value: 0.8, source: 'Evaluation' }]);
    expect(found.status?.gates?.map(({ message }) => message)).toEqual([
      'test.auc is 0.8, and must not be below 0.6.',
      'There was no champion to compare with, and whenNoChampion is Pass.',
    ]);
  }, 90_000);

  it('compare with the champion of that moment, and say both numbers', async () => {
    await harness.apply(champion(NS, 'delay-1'), datasetVersion(2), version('delay-2'));
    const found = await becomes('delay-2', 'GatesPassed False GateFailed');
    expect(found.status?.evaluation).toEqual({
      datasetVersion: 'flights-2',
      rows: 10,
      compared: [{ alias: 'champion', modelVersion: 'delay-1', metrics: [{ name: 'test.auc', value: 0.8 }] }],
    });
    const gates = found.status?.conditions?.find(({ type }) => type === 'GatesPassed');
    expect(gates?.message).toBe(
      'better: test.auc is 0.7, that of champion (delay-1) on the same rows 0.8, and it may be worse by at most 0.01.',
    );
  }, 60_000);

  it('keep a service from a version that has failed, and let it have one that has passed', async () => {
    await harness.apply(inferenceService(NS, 'delay-2'));
    await eventually('the service says why', async () => {
      const service = await harness.get(kinds.InferenceService, { namespace: NS, name: 'flights' });
      return service?.status?.conditions?.some(
        ({ type, reason }) => type === 'Stalled' && reason === 'VersionNotServable',
      );
    });
    expect((await harness.client.list(builtin.Deployment, { namespace: NS })).items).toEqual([]);
    await harness.apply(inferenceService(NS, 'delay-1'));
    await eventually('the service starts', async () => {
      return (await harness.client.list(builtin.Deployment, { namespace: NS })).items.length > 0;
    });
  }, 60_000);

  it('do not judge again when the alias moves, and Jobs, statuses and the operator are gone', async () => {
    await harness.apply(version('delay-3'));
    await becomes('delay-3', 'GatesPassed True GatesPassed');
    await harness.apply(champion(NS, 'delay-3'), datasetVersion(3));
    await operator.kill();
    await harness.plane.kubectl(['delete', 'jobs', '-n', NS, '-l', 'slipway.dev/role=evaluate']);
    const patch = ['--subresource=status', '--type=json', '-p', '[{"op":"remove","path":"/status"}]'];
    for (const name of ['delay-1', 'delay-2'])
      await harness.plane.kubectl(['patch', '-n', NS, `modelversions.slipway.dev/${name}`, ...patch]);
    operator = harness.startOperator();
    await operator.working();
    const good = await becomes('delay-1', 'GatesPassed True GatesPassed');
    expect(good.status?.evaluation?.datasetVersion).toBe('flights-1');
    const bad = await becomes('delay-2', 'GatesPassed False GateFailed');
    expect(bad.status?.evaluation?.compared[0]?.modelVersion).toBe('delay-1');
    expect([...(await evaluationsOf('delay-1')), ...(await evaluationsOf('delay-2'))]).toEqual([]);
  }, 90_000);

  it('have three versions of a Model measured at a time', async () => {
    isHeldUp = true;
    const names = ['delay-4', 'delay-5', 'delay-6', 'delay-7', 'delay-8'];
    await harness.apply(...names.map(version));
    const told = () =>
      Promise.all(
        names.map(async (name) => {
          const found = await harness.get<ModelVersion>(kinds.ModelVersion, { namespace: NS, name });
          return found?.status?.conditions?.find(({ type }) => type === 'Evaluated')?.reason;
        }),
      );
    await eventually('two wait for their turn', async () => {
      const reasons = await told();
      const count = (reason: string) => reasons.filter((one) => one === reason).length;
      return count('WaitingForTurn') === 2 && count('Evaluating') === 3;
    });
    expect((await Promise.all(names.map(evaluationsOf))).flat()).toHaveLength(3);
    isHeldUp = false;
    for (const name of names) await becomes(name, 'Evaluated True Evaluated');
  }, 90_000);

  it('judge by what was measured when a threshold changes, without another Job', async () => {
    await harness.apply(model(0.85));
    await becomes('delay-1', 'GatesPassed False GateFailed');
    await becomes('delay-3', 'GatesPassed True GatesPassed');
    expect(await evaluationsOf('delay-1')).toEqual([]);
  }, 60_000);
});
