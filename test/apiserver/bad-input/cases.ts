/** What people get wrong, what they are told, and the YAML that puts it right. */
import type { KubeKind } from '@slipway/kube';
import { kinds } from '../../../operator/src/kinds.ts';
import type { PodFate } from '../operator/kubelet.ts';
import { inferenceService, modelVersion, store } from '../operator/objects.ts';
import { dataset, featureSet, refused, trainingJob } from '../operator-data/objects.ts';

export interface BadInput {
  readonly what: string;
  readonly kind: KubeKind;
  readonly name: string;
  readonly reason: string;
  /** Part of the message. */
  readonly says: string;
  /** What must be well before. Default: nothing but the Store. */
  readonly after?: 'features' | 'training';
  readonly wrong: (namespace: string) => readonly object[];
  /** Applied over it; no object is deleted. undefined: the bytes are put right, not the YAML. */
  readonly mended?: (namespace: string) => readonly object[];
  /** What becomes of pods whose name or spec holds the text, until the bytes are put right. */
  readonly fate?: { readonly of: string; readonly is: PodFate };
}

/** A value that no status and no Event may hold. */
export const SECRET = 'hunter2-of-the-trainer';

type Told = Pick<BadInput, 'reason' | 'says' | 'fate'>;

/** A refusal of batch-runtime. */
function refusal(of: string, reason: string, message: string): Told {
  // With a full stop, because what to do about it follows.
  return { reason, says: `${message}.`, fate: { of, is: refused(reason, message) } };
}

function ofFeatures(what: string, spec: object, told: Told): BadInput {
  return {
    what,
    kind: kinds.FeatureSet,
    name: 'weather',
    wrong: (namespace) => [featureSet(namespace, 'weather', spec)],
    mended: (namespace) => [featureSet(namespace)],
    ...told,
  };
}

function ofDataset(what: string, spec: object, told: Told): BadInput {
  return {
    what,
    kind: kinds.Dataset,
    name: 'flights',
    after: 'features',
    wrong: (namespace) => [dataset(namespace, spec)],
    mended: (namespace) => [dataset(namespace)],
    ...told,
  };
}

function ofTraining(what: string, spec: object, told: Told): BadInput {
  const env = [{ name: 'TOKEN', value: SECRET }];
  return {
    what,
    kind: kinds.TrainingJob,
    name: 'xgb',
    after: 'training',
    wrong: (namespace) => [trainingJob(namespace, { env, ...spec })],
    mended: (namespace) => [trainingJob(namespace, { env, args: ['--mended'] })],
    ...told,
  };
}

/** A training whose pods end well, and whose output is no good. */
function ofOutput(what: string, reason: string, message: string): BadInput {
  return ofTraining(what, {}, refusal('xgb-publish-1', reason, message));
}

const FEATURES: readonly BadInput[] = [
  {
    ...ofFeatures(
      'a Store of a missing volume',
      {},
      { reason: 'StoreNotReady', says: 'PersistentVolumeClaim "modles"' },
    ),
    wrong: (namespace) => [store(namespace, 'pvc://modles/team'), featureSet(namespace)],
    mended: (namespace) => [store(namespace)],
  },
  {
    ...ofFeatures('a claim that does not exist', {}, { reason: 'ClaimNotFound', says: 'Create it with kubectl apply' }),
    kind: kinds.Store,
    name: 'default',
    wrong: (namespace) => [store(namespace, 'pvc://modles/team')],
    mended: (namespace) => [store(namespace)],
  },
  ofFeatures(
    'a missing file',
    { source: { files: { path: 'wether/*.csv', format: 'Csv' } } },
    refusal('wether', 'FileNotFound', 'no file fits wether/*.csv in Store default'),
  ),
  ofFeatures(
    'a missing column',
    { features: [{ name: 'temperature', type: 'Float32' }] },
    refusal(
      'temperature',
      'ColumnNotFound',
      'the files have no column temperature; they have: origin, time_hour, temp',
    ),
  ),
  ofFeatures(
    'a type that does not fit',
    { features: [{ name: 'temp', type: 'Int32' }] },
    refusal('Int32', 'TypeMismatch', 'temp holds 39.02, which is no Int32'),
  ),
  ofFeatures(
    'an empty table',
    { transform: { sql: 'SELECT * FROM source WHERE false' } },
    refusal('WHERE false', 'TableEmpty', 'the transform gives no rows'),
  ),
  ofFeatures(
    'a broken check',
    { checks: [{ feature: 'temp', min: 412 }] },
    refusal('412', 'CheckFailed', 'temp: 26115 rows are below 412'),
  ),
  ofFeatures(
    'a Job that breaks down',
    { transform: { sql: 'SELECT * FROM source -- huge' } },
    {
      reason: 'ContainerFailed',
      says: 'EIO: i/o error, read team/weather/1.csv in Store default.',
      fate: {
        of: 'huge',
        is: { kind: 'fail', exitCode: 1, message: 'Error: EIO: i/o error, read /stores/default/team/weather/1.csv' },
      },
    },
  ),
];

const { rows } = dataset('').spec;

const DATASETS: readonly BadInput[] = [
  ofDataset(
    'a key that is missing',
    { rows: { ...rows, keys: ['carrier'] } },
    { reason: 'KeyNotFound', says: 'origin' },
  ),
  ofDataset(
    'a column that tells the label',
    { rows: { ...rows, request: ['arr_delay'] } },
    refusal('arr_delay', 'LabelLeak', 'arr_delay tells the label of every row'),
  ),
  ofDataset(
    'a part without rows',
    { split: { validationFrom: '2043-09-01T00:00:00Z' } },
    refusal('2043', 'SplitEmpty', 'no row is at 2043-09-01T00:00:00Z or later'),
  ),
];

const TRAININGS: readonly BadInput[] = [
  ofTraining(
    'a trainer that exits 1',
    { args: ['--depth=none'] },
    {
      reason: 'TrainerFailed',
      says: 'ended with exit code 1: ValueError: depth must be a number.',
      fate: {
        of: '--depth=none',
        is: { kind: 'fail', exitCode: 1, message: 'ValueError: depth must be a number', container: 'trainer' },
      },
    },
  ),
  ofTraining(
    'a trainer without memory',
    { resources: { limits: { memory: '77Mi' } } },
    {
      reason: 'OOMKilled',
      says: 'its limit of 77Mi',
      fate: { of: '77Mi', is: { kind: 'fail', exitCode: 137, reason: 'OOMKilled', container: 'trainer' } },
    },
  ),
  ofTraining(
    'an image that does not exist',
    { image: 'registry.example/tariner:1' },
    {
      reason: 'ImagePullFailed',
      says: 'Image "registry.example/tariner:1" of container "trainer" cannot be pulled: not found',
      fate: {
        of: 'tariner',
        is: { kind: 'waitsFor', reason: 'ErrImagePull', message: 'not found', container: 'trainer' },
      },
    },
  ),
  ofOutput('a training that writes no model', 'ModelMissing', 'the output has neither model.onnx nor model/'),
  ofOutput('a training that writes two models', 'ModelAmbiguous', 'the output has model.onnx and model/; leave one'),
  ofOutput('a training that writes a broken model', 'ModelInvalid', 'model.onnx is broken, or no ONNX model'),
];

const SERVING: readonly BadInput[] = [
  {
    what: 'bytes with another digest',
    kind: kinds.ModelVersion,
    name: 'flights-1',
    wrong: (namespace) => [modelVersion(namespace, 'flights-1')],
    ...refusal('verify-model', 'DigestMismatch', 'the files have another digest than the spec says'),
  },
  {
    what: 'a service of a version that does not exist',
    kind: kinds.InferenceService,
    name: 'flights',
    reason: 'ModelVersionNotFound',
    says: 'flihgts-1',
    wrong: (namespace) => [modelVersion(namespace, 'flights-1'), inferenceService(namespace, 'flihgts-1')],
    mended: (namespace) => [inferenceService(namespace, 'flights-1')],
  },
];

export const BAD_INPUTS: readonly BadInput[] = [...FEATURES, ...DATASETS, ...TRAININGS, ...SERVING];
