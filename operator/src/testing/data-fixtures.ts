/** FeatureSets, Datasets, TrainingJobs and what comes of them, as the API server returns them; valid by default. */
import type {
  Approval,
  Dataset,
  DatasetVersion,
  FeatureSet,
  Gate,
  Model,
  ModelAlias,
  ModelEvaluation,
  TrainingJob,
} from '@slipway/crds';
import { groupVersion } from '@slipway/crds';
import { recipeDigest } from '../controllers/dataset/recipe.ts';
import { DIGEST, NAMESPACE } from './fixtures.ts';

function meta(name: string, more: object = {}) {
  return { name, namespace: NAMESPACE, uid: `uid-of-${name}`, generation: 1, ...more };
}

export function aFeatureSet(name = 'weather', more: Partial<FeatureSet['spec']> = {}): FeatureSet {
  return {
    apiVersion: groupVersion,
    kind: 'FeatureSet',
    metadata: meta(name),
    spec: {
      entities: [{ name: 'origin', type: 'String' }],
      source: { files: { store: { name: 'default' }, path: 'weather/*.csv', format: 'Csv' } },
      time: { event: 'time_hour' },
      features: [{ name: 'temp', type: 'Float32' }],
      ttl: '3h',
      checks: [],
      store: { name: 'default' },
      run: 1,
      ...more,
    },
  };
}

export function aDataset(more: Partial<Dataset['spec']> = {}): Dataset {
  return {
    apiVersion: groupVersion,
    kind: 'Dataset',
    metadata: meta('flights'),
    spec: {
      rows: {
        files: { store: { name: 'default' }, path: 'flights/*.csv', format: 'Csv' },
        keys: ['origin'],
        at: { column: 'sched_dep', offset: '0s' },
        request: [],
        label: { column: 'late', onNull: 'Drop', onLeak: 'Fail' },
      },
      features: [{ featureSet: { name: 'weather' } }],
      split: { by: 'Time', validationFrom: '2013-09-01T00:00:00Z', gap: '0s' },
      store: { name: 'default' },
      run: 1,
      ...more,
    },
  };
}

export function aDatasetVersion(number = 1, more: Partial<DatasetVersion['spec']> = {}): DatasetVersion {
  return {
    apiVersion: groupVersion,
    kind: 'DatasetVersion',
    metadata: meta(`flights-${number}-aaaaaa`),
    spec: {
      dataset: { name: 'flights' },
      number,
      recipe: recipeDigest(aDataset().spec),
      artifact: { store: { name: 'default' }, path: 'datasets/flights/x', digest: DIGEST, bytes: 10 },
      rows: { train: 70, validation: 20, test: 10 },
      dropped: {},
      features: [],
      ...more,
    },
  };
}

export function aModel(more: Partial<Model['spec']> = {}): Model {
  const spec = { store: { name: 'default' }, compatibility: 'Warn' as const, ...more };
  return { apiVersion: groupVersion, kind: 'Model', metadata: meta('delay'), spec };
}

/** Scores `test.auc` on the Dataset that `aDataset` makes. */
export function anEvaluation(more: Partial<ModelEvaluation> = {}): ModelEvaluation {
  return { dataset: { name: 'flights' }, split: 'Test', metrics: ['Auc'], rescore: [], ...more };
}

export function aGate(more: Partial<Gate> = {}): Gate {
  return { name: 'auc', metric: 'test.auc', sources: ['Evaluation'], whenMissing: 'Fail', ...more };
}

/** `champion` of the Model that `aModel` makes. */
export function aModelAlias(more: Partial<ModelAlias['spec']> = {}, metadata: object = {}): ModelAlias {
  return {
    apiVersion: groupVersion,
    kind: 'ModelAlias',
    metadata: meta('delay.champion', metadata),
    spec: { model: { name: 'delay' }, alias: 'champion', modelVersion: { name: 'delay-1' }, ...more },
  };
}

export function anApproval(more: Partial<Approval['spec']> = {}, metadata: object = {}): Approval {
  return {
    apiVersion: groupVersion,
    kind: 'Approval',
    metadata: meta('delay-1.ana', metadata),
    spec: { modelVersion: { name: 'delay-1' }, decision: 'Approved', by: 'ana', ...more },
  };
}

export const PINNED_IMAGE = `registry.example/trainer@${DIGEST}`;

export function aTrainingJob(more: Partial<TrainingJob['spec']> = {}, name = 'xgb'): TrainingJob {
  return {
    apiVersion: groupVersion,
    kind: 'TrainingJob',
    metadata: meta(name),
    spec: {
      dataset: { name: 'flights', version: 'Latest' },
      framework: 'XGBoost',
      nodes: 2,
      image: PINNED_IMAGE,
      command: ['python', 'train.py'],
      parameters: { depth: 6 },
      output: { model: { name: 'delay' }, format: 'Onnx' },
      suspend: false,
      run: 1,
      ...more,
    },
  };
}
