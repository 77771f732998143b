/** Every order in which things can happen to the kinds that only have a status, and what holds in all of them. See README.md. */
import { deletesClaim, deletesStore, makes, makesModelVersion, recordModel } from './record-models.ts';
import { holdsIn } from './run-scenarios.ts';

const faults = { crashes: 1, lostAnswers: 1, staleKinds: 1 };

holdsIn(recordModel, [
  ['a Store whose claim goes', { kind: 'Store', script: [makes.Store, deletesClaim], faults }],
  ['a Store that goes and comes again', { kind: 'Store', script: [deletesStore, makes.Store], faults }],
  [
    'a Model whose Store goes',
    { kind: 'Model', script: [makes.Model, makesModelVersion, deletesStore, makes.Store], faults },
  ],
  ['a DatasetVersion', { kind: 'DatasetVersion', script: [makes.DatasetVersion], faults }],
]);
