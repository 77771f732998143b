/** From tables to a ModelVersion: features, a dataset, a training of two nodes, a version; then a second run, then the TrainingJob goes. */
import type { Json } from '../driver/api.ts';
import type { Step, Workload, World } from '../driver/workload.ts';
import { awaitsCondition, firstOf } from '../driver/workload.ts';
import { applyStore } from './serve.ts';

export const featureSet = {
  entities: [{ name: 'origin', type: 'String' }],
  source: { files: { path: 'weather/*.csv', format: 'Csv' } },
  time: { event: 'time_hour' },
  features: [{ name: 'temp', type: 'Float32' }],
  ttl: '3h',
};
export const dataset = {
  rows: {
    files: { path: 'flights/*.csv', format: 'Csv' },
    keys: ['origin'],
    at: { column: 'sched_dep' },
    request: ['distance'],
    label: { column: 'late' },
  },
  features: [{ featureSet: { name: 'weather' } }],
  split: { validationFrom: '2013-09-01T00:00:00Z' },
};

export const trainingSpec = {
  dataset: { name: 'flights' },
  framework: 'XGBoost',
  nodes: 2,
  image: `example.org/trainer@sha256:${'f'.repeat(64)}`,
  command: ['python3', 'train.py'],
  output: { model: { name: 'delay' } },
};

export function applyTraining(world: World, depth: number, name = 'delay-xgb'): Promise<void> {
  const spec = { ...trainingSpec, parameters: { depth } };
  return world.apply('TrainingJob', name, { spec });
}

/** A version that a training made, not a person. */
export function isProduced({ kind, metadata }: Json): boolean {
  return kind === 'ModelVersion' && metadata.labels?.['slipway.dev/producer-uid'] !== undefined;
}

export function awaitsVersions(world: World, count: number): string | undefined {
  const versions = world.objects().filter(isProduced);
  const unready = versions.map((version) => awaitsCondition(version, 'Ready', 'True'));
  return firstOf(
    ...unready,
    versions.length === count ? undefined : `there are ${versions.length} ModelVersions; wanted ${count}`,
  );
}

export const train: Step = {
  name: 'train',
  async act(world) {
    await applyStore(world);
    await world.apply('FeatureSet', 'weather', { spec: featureSet });
    await world.apply('Dataset', 'flights', { spec: dataset });
    await world.apply('Model', 'delay', { spec: {} });
    await applyTraining(world, 6);
  },
  pending: (world) =>
    firstOf(
      awaitsCondition(world.get('FeatureSet', 'weather'), 'Ready', 'True'),
      awaitsCondition(world.get('Dataset', 'flights'), 'Ready', 'True'),
      awaitsCondition(world.get('TrainingJob', 'delay-xgb'), 'Succeeded', 'True'),
      awaitsVersions(world, 1),
    ),
};

export const workload: Workload = {
  name: 'train',
  sampled: 5,
  regressions: [
    // The version was there, so nobody wrote down on its Job that it had been made, and a person's delete of it did not last.
    'killAfter create datasetversions',
    // A cache that had not seen the last write made the next one again.
    'lag watch trainingjobs',
  ],
  steps: [
    train,
    {
      name: 'train with another parameter',
      act: (world) => applyTraining(world, 8),
      pending: (world) =>
        firstOf(awaitsCondition(world.get('TrainingJob', 'delay-xgb'), 'Succeeded', 'True'), awaitsVersions(world, 2)),
    },
    {
      name: 'delete the training',
      act: (world) => world.delete('TrainingJob', 'delay-xgb'),
      pending: (world) =>
        firstOf(
          world.get('TrainingJob', 'delay-xgb') === undefined ? undefined : 'delay-xgb is still there',
          ...world.objects().map(ownedByTraining),
          awaitsVersions(world, 2),
        ),
    },
  ],
};

/** What is produced stays, what is owned goes. */
function ownedByTraining({ kind, metadata }: Json): string | undefined {
  const isOwned = metadata.ownerReferences?.some((owner) => owner.kind === 'TrainingJob') ?? false;
  return isOwned ? `${kind} ${metadata.name} is still there` : undefined;
}
