/** Every order in which things can happen to a FeatureSet, and what holds in all of them. See README.md. */
import { deleteFeatureSet, featureSetModel, materialise } from './feature-set-model.ts';
import { holdsIn } from './run-scenarios.ts';

const rain = materialise('rain');
const wind = materialise('wind');
const stuck = materialise('stuck');
const mayFallBehind = ['FeatureSet', 'Job'];

holdsIn(featureSetModel, [
  ['is materialised, with an answer that is lost', { script: [rain], faults: { lostAnswers: 1 } }],
  ['is materialised, with an operator that dies', { script: [rain], faults: { crashes: 1 } }],
  ['is materialised, with caches that fall behind', { script: [rain], faults: { staleKinds: 1 }, mayFallBehind }],
  ['is materialised, with a node that is drained', { script: [rain], faults: { mishaps: 1 } }],
  ['another definition and back', { script: [rain, wind, rain] }],
  ['another definition, with an operator that dies', { settled: stuck, script: [rain], faults: { crashes: 1 } }],
  ['fails, and is mended', { script: [materialise('broken'), rain] }],
  [
    'goes and comes again',
    { settled: stuck, script: [deleteFeatureSet, rain], faults: { staleKinds: 1 }, mayFallBehind },
  ],
]);
