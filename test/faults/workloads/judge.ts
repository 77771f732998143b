/** Versions are scored beside the champion, approved, served by an alias, held back where they are worse, and go where they are too many. */
import type { DeepReadonly, Pod } from '@slipway/kube';
import type { EvaluateResult } from '@slipway/crds/batch';
import type { PodFate } from '../../apiserver/operator/kubelet.ts';
import { DIGESTS } from '../driver/pod-script.ts';
import type { Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyStore, awaitsServing } from './serve.ts';

/** What an evaluation finds: the second is worse than the first. */
const QUALITY: Readonly<Record<string, number>> = { 'delay-1': 0.8, 'delay-2': 0.7, 'delay-3': 0.9 };

function evaluated(pod: DeepReadonly<Pod>): PodFate | undefined {
  const batch = pod.spec?.containers[0];
  if (batch?.name !== 'batch' || batch.args?.[0] !== 'evaluate') return undefined;
  const { models } = JSON.parse(batch.env?.[0]?.value ?? '{}') as { models: { name: string; digest: string }[] };
  const result: EvaluateResult = {
    ok: true,
    rows: 10,
    models: models.map(({ name, digest }) => ({ name, digest, metrics: { 'test.auc': QUALITY[name] ?? 0 } })),
    warnings: [],
  };
  return { kind: 'succeed', message: JSON.stringify(result) };
}

async function applyModel(world: World): Promise<void> {
  const evaluation = { dataset: { name: 'flights' }, metrics: ['Auc'], rescore: ['champion'] };
  const better = { name: 'better', metric: 'test.auc', notWorseThan: { alias: 'champion', by: 0.01 } };
  const approval = { required: 'Always' };
  const retention = { keepLast: 1 };
  await world.apply('Model', 'delay', { spec: { evaluation, gates: [better], approval, retention } });
}

async function applyRows(world: World): Promise<void> {
  const artifact = { store: { name: 'default' }, path: 'datasets/1', digest: DIGESTS.dataset, bytes: 1 };
  const rows = { train: 1, validation: 1, test: 10 };
  await world.apply('DatasetVersion', 'flights-1', {
    spec: { dataset: { name: 'flights' }, number: 1, recipe: 'r', artifact, rows },
  });
}

function applyVersion(world: World, name: string): Promise<void> {
  const digest = name === 'delay-2' ? DIGESTS.two : DIGESTS.one;
  const artifact = { path: `models/${name}`, digest, format: 'Onnx' };
  return world.apply('ModelVersion', name, {
    spec: { model: { name: 'delay' }, number: Number(name.at(-1)), artifact },
  });
}

function approve(world: World, version: string): Promise<void> {
  const spec = { modelVersion: { name: version }, decision: 'Approved', by: 'ana' };
  return world.apply('Approval', `${version}.ana`, { spec });
}

function nameChampion(world: World, version: string): Promise<void> {
  const spec = { model: { name: 'delay' }, alias: 'champion', modelVersion: { name: version }, by: 'ana' };
  return world.apply('ModelAlias', 'delay.champion', { spec });
}

function awaitsJudged(world: World, version: string, passed: 'True' | 'False', approved: string): string | undefined {
  const object = world.get('ModelVersion', version);
  return firstOf(
    awaitsCondition(object, 'GatesPassed', passed),
    awaitsCondition(object, 'Approved', approved === 'Approved' ? 'True' : 'Unknown', approved),
  );
}

export const workload: Workload = {
  name: 'judge',
  pods: evaluated,
  retires: ['delay-2'],
  steps: [
    {
      name: 'make a model and rows to score it on',
      setsScene: true,
      async act(world) {
        await applyStore(world);
        await applyRows(world);
        await applyModel(world);
      },
      pending: (world) => awaitsCondition(world.get('Model', 'delay'), 'Ready', 'True'),
    },
    {
      name: 'make a version, which waits for approval',
      async act(world) {
        await applyVersion(world, 'delay-1');
        const model = { name: 'delay', alias: 'champion' };
        await world.apply('InferenceService', 'flights', { spec: { model } });
      },
      pending: (world) =>
        firstOf(
          awaitsJudged(world, 'delay-1', 'True', 'WaitingForApproval'),
          awaitsCondition(world.get('InferenceService', 'flights'), 'Ready', 'False', 'ModelAliasNotFound'),
        ),
    },
    {
      name: 'approve it, and make it the champion',
      async act(world) {
        await approve(world, 'delay-1');
        await nameChampion(world, 'delay-1');
      },
      pending: (world) => firstOf(awaitsJudged(world, 'delay-1', 'True', 'Approved'), awaitsServing(world, 'delay-1')),
    },
    {
      name: 'make a worse one',
      act: (world) => applyVersion(world, 'delay-2'),
      pending: (world) => awaitsJudged(world, 'delay-2', 'False', 'WaitingForApproval'),
    },
    {
      name: 'make a better one the champion, and have those go that are too many',
      async act(world) {
        await applyVersion(world, 'delay-3');
        await approve(world, 'delay-3');
        await nameChampion(world, 'delay-3');
      },
      pending: (world) =>
        firstOf(
          awaitsJudged(world, 'delay-3', 'True', 'Approved'),
          awaitsServing(world, 'delay-3'),
          world.get('ModelVersion', 'delay-2') === undefined ? undefined : 'delay-2 is still there',
          awaitsCondition(world.get('ModelVersion', 'delay-1'), 'InUse', 'False', 'NotUsed'),
          // A service can still be brought back to it.
          world.get('ModelVersion', 'delay-1') === undefined ? 'delay-1 is gone' : undefined,
        ),
    },
  ],
};
