/** Every order in which things can happen to a TrainingJob, and what holds in all of them. See README.md. */
import { holdsIn } from './run-scenarios.ts';
import { deleteTraining, train, trainingJobModel } from './training-job-model.ts';
import { userDeletesVersions } from './version-rules.ts';

const good = train('good');
const stuck = train('stuck');
const deleteVersion = userDeletesVersions('ModelVersion');
const mayFallBehind = ['TrainingJob', 'Job', 'Pod', 'ModelVersion'];

holdsIn(trainingJobModel, [
  ['trains, with an answer that is lost', { script: [good], faults: { lostAnswers: 1 } }],
  ['trains, with an operator that dies', { script: [good], faults: { crashes: 1 } }],
  ['trains, with caches that fall behind', { script: [good], faults: { staleKinds: 1 }, mayFallBehind }],
  ['trains, with a node that is drained', { script: [good], faults: { mishaps: 1 } }],
  ['fails, and is mended', { script: [train('broken'), good] }],
  ['changes while it trains, with an operator that dies', { settled: stuck, script: [good], faults: { crashes: 1 } }],
  ['stops and goes on', { script: [good, train('good', { suspend: true }), good] }],
  ['its version is deleted', { script: [good, deleteVersion], faults: { crashes: 1 } }],
  [
    'trains again, and then its version is deleted',
    { settled: good, script: [train('good', { run: 2 }), deleteVersion] },
  ],
  [
    'goes and comes again',
    { settled: stuck, script: [deleteTraining, good], faults: { staleKinds: 1 }, mayFallBehind },
  ],
  ['two make versions of one model', { names: ['xgb', 'mlp'], script: [good, train('good', { name: 'mlp' })] }],
]);
