/** Operators of the kinds that work through Jobs, each wrong in one way: a request of theirs is left out, or says something else. */
import { expect, it, vi } from 'vitest';
import { LAST_NUMBER_ANNOTATION, VERSION_NAME_ANNOTATION } from '../../operator/src/labels.ts';
import { build, buildStuck, datasetModel, isVersionShown } from './dataset-model.ts';
import { explore } from './explore.ts';
import { featureSetModel, materialise } from './feature-set-model.ts';
import {
  aliasVersion,
  deleteVersion,
  leaveVersion,
  makeVersion,
  modelVersionModel,
  useVersion,
} from './model-version-model.ts';
import { deletesClaim, deletesStore, makes, recordModel } from './record-models.ts';
import type { Tamper } from './program.ts';
import { isWrite } from './requests.ts';
import type { WriteRequest } from './requests.ts';
import type { Scenario } from './scenario.ts';
import { train, trainingJobModel } from './training-job-model.ts';
import { userDeletesVersions } from './version-rules.ts';

vi.setConfig({ testTimeout: 180_000 });

/** Reads where it should write. */
function leavesOut(isMeant: (request: WriteRequest) => boolean): Tamper {
  return (request) => (isWrite(request) && isMeant(request) ? { verb: 'get', id: request.id } : request);
}

function annotates(name: string): (request: WriteRequest) => boolean {
  return (request) => request.verb === 'patch' && request.patch.metadata?.annotations?.[name] !== undefined;
}

const deletesNothing = leavesOut(({ verb }) => verb === 'delete');
const forgetsNumbers = leavesOut(annotates(LAST_NUMBER_ANNOTATION));
const forgetsNames = leavesOut(annotates(VERSION_NAME_ANNOTATION));
const tellsNothing = leavesOut(({ verb }) => verb === 'status');
const neverUnready = leavesOut(
  ({ verb, ...rest }) => verb === 'status' && JSON.stringify(rest).includes('Reconciling'),
);
const neverKeeps = leavesOut(({ verb, id }) => verb === 'apply' && id.startsWith('ModelVersion/'));

/** Frees what it once saw to be unused. */
const insistsOnNothing: Tamper = (request) => (request.verb === 'apply' ? { ...request, version: undefined } : request);

const forgetsGeneration: Tamper = (request) =>
  request.verb === 'status'
    ? { ...request, status: { ...(request.status as object), observedGeneration: undefined } }
    : request;

const deletesModels = userDeletesVersions('ModelVersion');
const good = train('good');
const flights = build('flights');

it.each<[string, Scenario, RegExp]>([
  [
    'for a TrainingJob, forgets which numbers it gave',
    trainingJobModel({ settled: good, script: [deletesModels, train('good', { run: 2 })], tamper: forgetsNumbers }),
    /Number 1 is given to two results/,
  ],
  [
    'for a TrainingJob, forgets which version it made',
    trainingJobModel({ script: [good], tamper: forgetsNames }),
    /does not come to rest/,
  ],
  [
    'for a TrainingJob, leaves the attempt of a former spec alone',
    trainingJobModel({ settled: train('stuck'), script: [good], tamper: deletesNothing }),
    /There are Jobs of attempts 1, 2/,
  ],
  [
    'for a Dataset, forgets which numbers it gave',
    datasetModel({
      settled: flights,
      script: [userDeletesVersions('DatasetVersion'), build('trains')],
      tamper: forgetsNumbers,
    }),
    /Number 1 is given to two results/,
  ],
  [
    'for a Dataset, forgets which version it made',
    datasetModel({ script: [flights, userDeletesVersions('DatasetVersion', isVersionShown)], tamper: forgetsNames }),
    /is back, after a person deleted it/,
  ],
  [
    'for a Dataset, lets the build of a former recipe run on',
    datasetModel({ settled: buildStuck, script: [flights], tamper: deletesNothing }),
    /still runs/,
  ],
  [
    'for a ModelVersion, frees it without a look at what it is now',
    modelVersionModel({
      settled: makeVersion,
      script: [useVersion, leaveVersion, useVersion, deleteVersion],
      faults: { crashes: 1 },
      tamper: insistsOnNothing,
    }),
    /goes while it is used/,
  ],
  [
    'for a ModelVersion, does not keep what is used',
    modelVersionModel({ settled: makeVersion, script: [useVersion], tamper: neverKeeps }),
    /Its finalizers are \[\]/,
  ],
  [
    'for a FeatureSet, lets the Job of a former definition run on',
    featureSetModel({ settled: materialise('stuck'), script: [materialise('rain')], tamper: deletesNothing }),
    /still runs/,
  ],
  [
    'for a FeatureSet, tells nobody',
    featureSetModel({ script: [materialise('rain')], tamper: tellsNothing }),
    /The status is of an older generation/,
  ],
  [
    'for a ModelVersion, lets go what an alias means',
    modelVersionModel({ settled: makeVersion, script: [aliasVersion], tamper: neverKeeps }),
    /Its finalizers are \[\]/,
  ],
  [
    'for a Store, tells nobody',
    recordModel({ kind: 'Store', script: [makes.Store], tamper: tellsNothing }),
    /The status is of an older generation/,
  ],
  [
    'for a Model, never looks at its Store again',
    recordModel({ kind: 'Model', settled: makes.Model, script: [deletesStore], tamper: neverUnready }),
    /It is not Reconciling/,
  ],
  [
    'for a Store, never looks at its claim again',
    recordModel({ kind: 'Store', settled: makes.Store, script: [deletesClaim], tamper: neverUnready }),
    /It is not Reconciling/,
  ],
  [
    'for a Model, tells nobody',
    recordModel({ kind: 'Model', script: [makes.Model], tamper: tellsNothing }),
    /The status is of an older generation/,
  ],
  [
    'for a DatasetVersion, tells nobody',
    recordModel({ kind: 'DatasetVersion', script: [makes.DatasetVersion], tamper: tellsNothing }),
    /The status is of an older generation/,
  ],
  [
    'for a DatasetVersion, does not say of which generation it speaks',
    recordModel({ kind: 'DatasetVersion', script: [makes.DatasetVersion], tamper: forgetsGeneration }),
    /does not come to rest/,
  ],
])('an operator that, %s', async (_, scenario, expected) => {
  const { failure } = await explore(scenario);
  expect(failure?.what).toMatch(expected);
});
