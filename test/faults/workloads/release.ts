/** A version is approved and named by an alias, the alias moves, and what it means stays until nothing means it. */
import { DIGESTS } from '../driver/pod-script.ts';
import type { Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyStore } from './serve.ts';

const ALIAS = 'delay.champion';

function applyVersion(world: World, name: string, digest: string): Promise<void> {
  const artifact = { path: `models/${name}`, digest, format: 'Onnx' };
  return world.apply('ModelVersion', name, { spec: { model: { name: 'delay' }, artifact } });
}

function applyAlias(world: World, version: string, by: string): Promise<void> {
  const spec = { model: { name: 'delay' }, alias: 'champion', modelVersion: { name: version }, by };
  return world.apply('ModelAlias', ALIAS, { spec });
}

/** Why the alias does not mean this version, or its history has not all that it meant: the newest first. */
function awaitsAlias(world: World, versions: readonly string[], ready: string, reason: string): string | undefined {
  const alias = world.get('ModelAlias', ALIAS);
  const history = (alias?.status?.['history'] ?? []) as readonly { readonly modelVersion: string }[];
  const told = history.map(({ modelVersion }) => modelVersion).join();
  return firstOf(
    awaitsCondition(alias, 'Ready', ready, reason),
    told === versions.join() ? undefined : `${ALIAS} tells of [${told}], not [${versions.join()}]`,
  );
}

function awaitsUse(world: World, version: string, reason: string): string | undefined {
  return awaitsCondition(world.get('ModelVersion', version), 'InUse', reason === 'NotUsed' ? 'False' : 'True', reason);
}

function awaitsGone(world: World, kind: string, name: string): string | undefined {
  return world.get(kind, name) === undefined ? undefined : `${kind} ${name} is still there`;
}

export const workload: Workload = {
  name: 'release',
  steps: [
    {
      name: 'make two versions',
      setsScene: true,
      async act(world) {
        await applyStore(world);
        await world.apply('Model', 'delay', { spec: {} });
        await applyVersion(world, 'delay-1', DIGESTS.one);
        await applyVersion(world, 'delay-2', DIGESTS.two);
      },
      pending: (world) =>
        firstOf(
          awaitsCondition(world.get('Model', 'delay'), 'Ready', 'True'),
          ...['delay-1', 'delay-2'].map((name) => awaitsCondition(world.get('ModelVersion', name), 'Ready', 'True')),
        ),
    },
    {
      name: 'approve the first, and name it',
      async act(world) {
        const spec = { modelVersion: { name: 'delay-1' }, decision: 'Approved', by: 'ana' };
        await world.apply('Approval', 'delay-1.ana', { spec });
        await applyAlias(world, 'delay-1', 'ana');
      },
      pending: (world) =>
        firstOf(
          awaitsCondition(world.get('Approval', 'delay-1.ana'), 'Ready', 'True', 'Recorded'),
          awaitsAlias(world, ['delay-1'], 'True', 'Resolved'),
          awaitsUse(world, 'delay-1', 'Aliased'),
          awaitsUse(world, 'delay-2', 'NotUsed'),
        ),
    },
    {
      name: 'move the alias',
      act: (world) => applyAlias(world, 'delay-2', 'bob'),
      pending: (world) =>
        firstOf(
          awaitsAlias(world, ['delay-2', 'delay-1'], 'True', 'Resolved'),
          awaitsUse(world, 'delay-1', 'NotUsed'),
          awaitsUse(world, 'delay-2', 'Aliased'),
        ),
    },
    {
      name: 'delete the one that was approved',
      act: (world) => world.delete('ModelVersion', 'delay-1'),
      pending: (world) =>
        firstOf(
          awaitsGone(world, 'ModelVersion', 'delay-1'),
          awaitsCondition(world.get('Approval', 'delay-1.ana'), 'Ready', 'False', 'ModelVersionNotFound'),
        ),
    },
    {
      name: 'delete the one that has a name',
      act: (world) => world.delete('ModelVersion', 'delay-2'),
      pending: (world) =>
        firstOf(
          awaitsAlias(world, ['delay-2', 'delay-1'], 'False', 'ModelVersionNotReady'),
          awaitsCondition(world.get('ModelVersion', 'delay-2'), 'Ready', 'False', 'Terminating'),
        ),
    },
    {
      name: 'drop the name',
      act: (world) => world.delete('ModelAlias', ALIAS),
      pending: (world) => firstOf(awaitsGone(world, 'ModelAlias', ALIAS), awaitsGone(world, 'ModelVersion', 'delay-2')),
    },
  ],
};
