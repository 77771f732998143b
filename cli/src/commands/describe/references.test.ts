import { expect, it } from 'vitest';
import type { KindName } from '../../cluster/kinds.ts';
import { object } from '../../testing/objects.ts';
import { referencesOf } from './references.ts';

const files = { store: { name: 'lake' }, path: '*.csv', format: 'Csv' };

const CASES: readonly (readonly [KindName, object, object, readonly string[]])[] = [
  ['InferenceService', { modelVersion: { name: 'v' } }, {}, ['serves ModelVersion v']],
  [
    'ModelVersion',
    { artifact: { store: { name: 's' } }, model: { name: 'm' }, lineage: { trainingJob: 't', datasetVersion: 'd' } },
    {},
    [
      'kept in Store s',
      'trained by TrainingJob t, long ago',
      'learned from DatasetVersion d, long ago',
      'version of Model m, long ago',
    ],
  ],
  ['ModelVersion', { artifact: { store: { name: 's' } } }, {}, ['kept in Store s']],
  [
    'ModelAlias',
    { model: { name: 'm' }, alias: 'champion', modelVersion: { name: 'v' } },
    {},
    ['means ModelVersion v', 'alias of Model m'],
  ],
  ['Approval', { modelVersion: { name: 'v' }, decision: 'Approved', by: 'ana' }, {}, ['judges ModelVersion v']],
  ['Store', { uri: 'pvc://claim/team/a' }, {}, ['lies on PersistentVolumeClaim claim']],
  [
    'Dataset',
    { rows: { files }, features: [{ featureSet: { name: 'f' } }], store: { name: 'default' } },
    {},
    ['reads from Store lake', 'joins FeatureSet f', 'writes to Store default'],
  ],
  ['FeatureSet', { source: { files }, store: { name: 'lake' } }, {}, ['reads from Store lake']],
  [
    'TrainingJob',
    { dataset: { name: 'd', version: 'Latest' }, code: { configMap: { name: 'c' } }, output: { model: { name: 'm' } } },
    {},
    ['learns from Dataset d', 'runs code of ConfigMap c', 'makes a version of Model m'],
  ],
  [
    'TrainingJob',
    { dataset: { name: 'd', version: 'Latest' }, output: { model: { name: 'm' } } },
    { status: { datasetVersion: 'd-1' } },
    ['learns from DatasetVersion d-1', 'makes a version of Model m'],
  ],
];

it.each(CASES)('a %s %j depends on what it names', (kind, spec, more, expected) => {
  const references = referencesOf(kind, object(kind, 'x', spec, more));

  expect(
    references.map(
      ({ relation, kind: target, name, isOrigin = false }) =>
        `${relation} ${target} ${name}${isOrigin ? ', long ago' : ''}`,
    ),
  ).toEqual(expected);
});
