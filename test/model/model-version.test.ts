/** Every order in which things can happen to a ModelVersion, and what holds in all of them. See README.md. */
import {
  aliasVersion,
  deleteVersion,
  dropAlias,
  dropEvaluations,
  leaveVersion,
  makeGatedModel,
  makeGatedVersion,
  makeNewerRows,
  makeRows,
  makeVersion,
  modelVersionModel,
  useVersion,
} from './model-version-model.ts';
import { holdsIn } from './run-scenarios.ts';

const settled = makeVersion;
const mayFallBehind = ['ModelVersion', 'Job', 'InferenceService'];

holdsIn(modelVersionModel, [
  ['is verified, with an answer that is lost', { script: [makeVersion], faults: { lostAnswers: 1 } }],
  ['is verified, with an operator that dies', { script: [makeVersion], faults: { crashes: 1 } }],
  ['is verified, with caches that fall behind', { script: [makeVersion], faults: { staleKinds: 1 }, mayFallBehind }],
  ['is verified, with a node that is drained', { script: [makeVersion], faults: { mishaps: 1 } }],
  ['waits for its bytes', { script: [makeVersion], bytesComeLate: true, faults: { crashes: 1 } }],
  ['is used and deleted', { settled, script: [useVersion, deleteVersion, leaveVersion], faults: { crashes: 1 } }],
  ['is used again', { settled, script: [useVersion, leaveVersion, useVersion, deleteVersion], faults: { crashes: 1 } }],
  [
    'is used, with caches that fall behind',
    { settled, script: [useVersion, deleteVersion, leaveVersion], faults: { staleKinds: 1 }, mayFallBehind },
  ],
  [
    'is kept by an alias',
    {
      settled,
      script: [aliasVersion, deleteVersion, dropAlias],
      faults: { crashes: 1, staleKinds: 1 },
      mayFallBehind: ['ModelVersion', 'ModelAlias'],
    },
  ],
  [
    'is evaluated once all is there, in whatever order it comes',
    { settled: makeRows, script: [makeGatedModel, makeGatedVersion], faults: { crashes: 1 } },
  ],
  [
    'is evaluated once, whatever comes and goes later',
    {
      settled: makeGatedModel,
      script: [makeGatedVersion, makeRows, dropEvaluations, makeNewerRows],
      faults: { crashes: 1 },
    },
  ],
  [
    'is evaluated once, with a cache that does not show the record of a dead operator',
    {
      settled: makeGatedModel,
      script: [makeRows, makeGatedVersion, dropEvaluations],
      faults: { crashes: 1, staleKinds: 1 },
      mayFallBehind: ['ControllerRevision'],
    },
  ],
  [
    'is compared with a champion that a cache does not show yet',
    {
      settled: makeGatedModel,
      script: [makeRows, aliasVersion, makeGatedVersion],
      faults: { staleKinds: 1 },
      mayFallBehind: ['ModelAlias'],
    },
  ],
  ['goes and comes again', { script: [makeVersion, deleteVersion, makeVersion] }],
]);
