/** Owners go while what they own still works: that goes with them, what they produced stays. */
import type { Json } from '../driver/api.ts';
import { DIGESTS } from '../driver/pod-script.ts';
import { firstOf } from '../driver/workload.ts';
import type { Workload, World } from '../driver/workload.ts';
import { applyModelVersion, applyService, awaitsServing } from './serve.ts';
import { applyTraining, awaitsVersions, dataset, featureSet, train } from './train.ts';

/** Pods of owners with such names never end. */
const SLOW = 'slow-';
const WORKING = ['slow-weather', 'slow-flights', 'slow-xgb', 'slow-delay'];
const INSTANCE = 'app.kubernetes.io/instance';

async function applySlow(world: World): Promise<void> {
  await world.apply('FeatureSet', 'slow-weather', { spec: featureSet });
  await world.apply('Dataset', 'slow-flights', { spec: dataset });
  await applyTraining(world, 8, 'slow-xgb');
  await applyModelVersion(world, 'slow-delay', DIGESTS.two);
}

export function awaitsWork(world: World, owners: readonly string[]): string | undefined {
  return firstOf(
    ...owners.map((name) => {
      const pods = world
        .objects()
        .filter(({ kind, metadata }) => kind === 'Pod' && metadata.labels?.[INSTANCE] === name);
      const works = pods.length > 0 && pods.every(({ status }) => status?.['phase'] === 'Running');
      return works ? undefined : `nothing works for ${name} yet`;
    }),
  );
}

/** What is still there under this name, or of it. */
function awaitsEnd(world: World, owners: readonly string[]): string | undefined {
  const left = world.objects().find(({ metadata }) => isNamedOrOwned(metadata, owners));
  return left === undefined ? undefined : `${left.kind} ${left.metadata.name} is still there`;
}

function isNamedOrOwned({ name, labels, ownerReferences = [] }: Json['metadata'], owners: readonly string[]): boolean {
  return (
    owners.includes(name) ||
    owners.includes(labels?.[INSTANCE] ?? '') ||
    ownerReferences.some((owner) => owners.includes(owner.name))
  );
}

function awaitsDatasetVersion(world: World): string | undefined {
  const versions = world.objects().filter(({ kind }) => kind === 'DatasetVersion');
  return versions.length === 1 ? undefined : `there are ${versions.length} DatasetVersions; wanted 1`;
}

export const workload: Workload = {
  name: 'cascade',
  sampled: 1,
  pods: ({ metadata: { labels } }) =>
    labels?.[INSTANCE]?.startsWith(SLOW) === true ? { kind: 'run', ready: true } : undefined,
  steps: [
    {
      name: 'train, serve what came of it, and begin more',
      setsScene: true,
      async act(world) {
        await train.act(world);
        await applyModelVersion(world, 'delay-1', DIGESTS.one);
        await applyService(world, 'delay-1');
        await applySlow(world);
      },
      pending: (world) => firstOf(train.pending(world), awaitsServing(world, 'delay-1'), awaitsWork(world, WORKING)),
    },
    {
      name: 'delete what works',
      async act(world) {
        await world.delete('FeatureSet', 'slow-weather');
        await world.delete('Dataset', 'slow-flights');
        await world.delete('TrainingJob', 'slow-xgb');
        await world.delete('ModelVersion', 'slow-delay');
        // In use: it goes when the service has gone.
        await world.delete('ModelVersion', 'delay-1');
        await world.delete('InferenceService', 'flights');
      },
      pending: (world) =>
        firstOf(awaitsEnd(world, [...WORKING, 'delay-1']), awaitsService(world), train.pending(world)),
    },
    {
      name: 'delete what has produced',
      async act(world) {
        await world.delete('TrainingJob', 'delay-xgb');
        await world.delete('Dataset', 'flights');
        await world.delete('FeatureSet', 'weather');
        await world.delete('Model', 'delay');
      },
      pending: (world) =>
        firstOf(
          awaitsEnd(world, ['delay-xgb', 'flights', 'weather']),
          world.get('Model', 'delay') === undefined ? undefined : 'Model delay is still there',
          awaitsVersions(world, 1),
          awaitsDatasetVersion(world),
        ),
    },
  ],
};

/** Of the service, by whatever name. */
function awaitsService(world: World): string | undefined {
  const left = world
    .objects()
    .find(({ kind, metadata }) => kind === 'InferenceService' || metadata.labels?.['slipway.dev/inferenceservice']);
  return left === undefined ? undefined : `${left.kind} ${left.metadata.name} of the service is still there`;
}
