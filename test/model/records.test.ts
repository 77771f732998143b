/** Every order in which things can happen to the kinds that only have a status, and what holds in all of them. See README.md. */
import {
  deletesClaim,
  deletesModel,
  deletesStore,
  deletesVersion,
  makes,
  makesModelVersion,
  makesNextVersion,
  makesVersionOfModel,
  movesAlias,
  recordModel,
} from './record-models.ts';
import { holdsIn } from './run-scenarios.ts';

const faults = { crashes: 1, lostAnswers: 1, staleKinds: 1 };

holdsIn(recordModel, [
  ['a Store whose claim goes', { kind: 'Store', script: [makes.Store, deletesClaim], faults }],
  ['a Store that goes and comes again', { kind: 'Store', script: [deletesStore, makes.Store], faults }],
  [
    'a Model whose Store goes',
    { kind: 'Model', script: [makes.Model, makesModelVersion, deletesStore, makes.Store], faults },
  ],
  [
    'an Approval that comes before its version, and stays after it',
    { kind: 'Approval', script: [makes.Approval, makesModelVersion, deletesVersion], faults },
  ],
  [
    'an alias that moves',
    {
      kind: 'ModelAlias',
      settled: makes.Model,
      script: [makes.ModelAlias, makesVersionOfModel, movesAlias, makesNextVersion],
      faults,
    },
  ],
  [
    'an alias that moves to and fro, whose Model goes',
    {
      kind: 'ModelAlias',
      settled: makes.Model,
      script: [makes.ModelAlias, movesAlias, makes.ModelAlias, deletesModel],
      faults,
    },
  ],
  ['a DatasetVersion', { kind: 'DatasetVersion', script: [makes.DatasetVersion], faults }],
]);
