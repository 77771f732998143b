/** Every order in which things can happen to a Dataset, and what holds in all of them. See README.md. */
import { build, buildStuck, datasetModel, deleteDataset, isVersionShown } from './dataset-model.ts';
import { holdsIn } from './run-scenarios.ts';
import { userDeletesVersions } from './version-rules.ts';

const flights = build('flights');
const trains = build('trains');
const deleteVersion = userDeletesVersions('DatasetVersion');
/** Once the status shows it, whatever the Job says. */
const deleteShown = userDeletesVersions('DatasetVersion', isVersionShown);
const mayFallBehind = ['Dataset', 'Job', 'Pod', 'DatasetVersion'];

holdsIn(datasetModel, [
  ['is built, with an answer that is lost', { script: [flights], faults: { lostAnswers: 1 } }],
  ['is built, with an operator that dies', { script: [flights], faults: { crashes: 1 } }],
  ['is built, with caches that fall behind', { script: [flights], faults: { staleKinds: 1 }, mayFallBehind }],
  ['is built, with a node that is drained', { script: [flights], faults: { mishaps: 1 } }],
  ['another recipe, with an operator that dies', { settled: buildStuck, script: [flights], faults: { crashes: 1 } }],
  ['another recipe and back', { settled: flights, script: [trains, flights], faults: { lostAnswers: 1 } }],
  ['its version is deleted', { script: [flights, deleteVersion], faults: { crashes: 1 } }],
  [
    'its version is deleted while another recipe is built',
    { script: [flights, buildStuck, deleteShown, flights], faults: { crashes: 1 } },
  ],
  [
    'goes and comes again',
    { settled: buildStuck, script: [deleteDataset, flights], faults: { staleKinds: 1 }, mayFallBehind },
  ],
  [
    'is built, goes, and comes again',
    { settled: flights, script: [deleteDataset, flights], faults: { lostAnswers: 1 } },
  ],
]);
