/** Objects of ours in typical states, with the status that the operator would write: by what kstatus has to say of them. */
import type { ModelVersion } from '@slipway/crds';
import type { KubeObject } from '@slipway/kube';
import { UnexpectedError } from '@slipway/kube';
import type { OperatorError } from '@slipway/kube';
import { approvalStatus } from '../../../operator/src/controllers/approval/status.ts';
import { datasetVersionStatus } from '../../../operator/src/controllers/dataset-version/status.ts';
import { datasetStatus } from '../../../operator/src/controllers/dataset/status.ts';
import { recipeDigest } from '../../../operator/src/controllers/dataset/recipe.ts';
import type { ObservedDataset } from '../../../operator/src/controllers/dataset/observe.ts';
import { buildMaterialiseJob } from '../../../operator/src/controllers/feature-set/build-materialise-job.ts';
import { definitionDigest } from '../../../operator/src/controllers/feature-set/definition.ts';
import type { ObservedFeatureSet } from '../../../operator/src/controllers/feature-set/observe.ts';
import { featureSetStatus } from '../../../operator/src/controllers/feature-set/status.ts';
import { modelAliasStatus } from '../../../operator/src/controllers/model-alias/status.ts';
import type { ObservedModelVersion } from '../../../operator/src/controllers/model-version/observe.ts';
import { modelVersionStatus } from '../../../operator/src/controllers/model-version/status.ts';
import { modelStatus } from '../../../operator/src/controllers/model/status.ts';
import { storeStatus } from '../../../operator/src/controllers/store/status.ts';
import type { FoundStore } from '../../../operator/src/jobs/find-store.ts';
import {
  aDataset,
  aDatasetVersion,
  aFeatureSet,
  aModel,
  aModelAlias,
  anApproval,
} from '../../../operator/src/testing/data-fixtures.ts';
import { aClaim, aJob, aModelVersion, aStore, DIGEST, NOW, WORKLOADS } from '../../../operator/src/testing/fixtures.ts';
import { inferenceServices } from './inference-service-statuses.ts';
import { modelRollouts } from './model-rollout-statuses.ts';
import { withStatus } from './states.ts';
import type { States } from './states.ts';
import { trainingJobs } from './training-job-statuses.ts';

const noJob = { job: undefined, pods: [], outcome: { state: 'absent' as const } };
const running = { ...noJob, outcome: { state: 'running' as const } };
const failedJob = {
  ...noJob,
  outcome: { state: 'failed' as const, reason: 'FileNotFound', message: 'There is no file.', retryable: false },
};
const missingStore = { problem: { reason: 'StoreNotFound', message: 'There is no Store "default".' } };
const store = aStore();
const version = aModelVersion('delay-1', {}, { model: { name: 'delay' } });

function aFeatureSetThat(more: Partial<ObservedFeatureSet>): KubeObject {
  const featureSet = aFeatureSet();
  const observed = {
    featureSet,
    source: { store },
    output: { store },
    definition: definitionDigest(featureSet.spec),
    current: noJob,
    newest: undefined,
    jobs: [],
    ...more,
  };
  return withStatus(featureSet, featureSetStatus(observed, { now: NOW }));
}

function aDatasetThat(more: Partial<ObservedDataset>): KubeObject {
  const dataset = aDataset();
  const inputs = { ready: { rows: store, output: store, features: [] } };
  const observed = {
    dataset,
    recipe: recipeDigest(dataset.spec),
    inputs,
    features: [],
    versions: [],
    version: undefined,
    deletedVersion: undefined,
    current: noJob,
    jobs: [],
    ...more,
  };
  return withStatus(dataset, datasetStatus(observed, { now: NOW }));
}

function aVersionThat(more: Partial<ObservedModelVersion>, error?: OperatorError): KubeObject {
  const evaluation = { model: undefined, asked: undefined };
  const known = { found: { store }, decisions: { all: [], areSignaturesChecked: true }, counterpart: undefined };
  const observed = { version, ...known, verification: noJob, evaluation, jobs: [], users: [], ...more };
  return withStatus(observed.version, modelVersionStatus(observed, { now: NOW, error }));
}

function aModelThat(found: FoundStore): KubeObject {
  const model = aModel();
  return withStatus(model, modelStatus({ model, store: found, versions: [], surplus: [] }, NOW));
}

function anAliasOf(meant: ModelVersion | undefined): KubeObject {
  const alias = aModelAlias();
  return withStatus(alias, modelAliasStatus({ alias, model: aModel(), version: meant, signature: 'Verified' }, NOW));
}

function anApprovalOf(judged: ModelVersion | undefined): KubeObject {
  const approval = anApproval();
  return withStatus(approval, approvalStatus({ approval, version: judged, signature: 'Verified' }, NOW));
}

const verified: ObservedModelVersion['verification'] = {
  ...noJob,
  outcome: {
    state: 'succeeded',
    result: { ok: true, digest: DIGEST, bytes: 42, signature: { inputs: [], outputs: [] } },
  },
};
const materialised: ObservedFeatureSet['current'] = {
  ...noJob,
  job: buildMaterialiseJob(aFeatureSet(), { source: store, output: store }, WORKLOADS),
  outcome: {
    state: 'succeeded',
    result: { ok: true, path: 'team/features/weather/x/1', rows: 10, bytes: 99, digest: DIGEST, warnings: [] },
  },
};
const deleted = aModelVersion('delay-1', {
  deletionTimestamp: '2026-11-23T09:00:00Z',
  finalizers: ['slipway.dev/in-use'],
});

/** By kind. What is the same for all kinds (fresh, changed, being deleted) is made of these. */
export const STATES: Readonly<Record<string, States>> = {
  Store: {
    'the claim is bound': ['Current', withStatus(store, storeStatus({ store, claim: aClaim() }, NOW))],
    'the claim is missing': ['InProgress', withStatus(store, storeStatus({ store, claim: undefined }, NOW))],
  },
  FeatureSet: {
    'a Job writes': ['InProgress', aFeatureSetThat({ current: running })],
    'the Job failed': ['Failed', aFeatureSetThat({ current: failedJob })],
    'no Store': ['InProgress', aFeatureSetThat({ source: missingStore })],
    written: ['Current', aFeatureSetThat({ current: materialised })],
  },
  Dataset: {
    'a Job builds': ['InProgress', aDatasetThat({ current: running })],
    'the Job failed': ['Failed', aDatasetThat({ current: { ...failedJob, job: aJob() } })],
    built: ['Current', aDatasetThat({ version: aDatasetVersion(), versions: [aDatasetVersion()] })],
    'its version was deleted': ['Failed', aDatasetThat({ deletedVersion: 'flights-1-aaaaaa' })],
  },
  DatasetVersion: {
    recorded: ['Current', withStatus(aDatasetVersion(), datasetVersionStatus(aDatasetVersion(), NOW))],
  },
  Model: {
    'the Store is there': ['Current', aModelThat({ store })],
    'no Store': ['InProgress', aModelThat(missingStore)],
  },
  ModelVersion: {
    'a Job verifies': ['InProgress', aVersionThat({ verification: running })],
    verified: ['Current', aVersionThat({ verification: verified })],
    'the verification failed': ['Failed', aVersionThat({ verification: failedJob })],
    'no Store': ['InProgress', aVersionThat({ found: missingStore })],
    'deleted while it is used': [
      'Terminating',
      aVersionThat({ version: deleted, users: ['InferenceService flights'] }),
    ],
    // Ready=Unknown: kstatus waits, and the operator tries again.
    'the operator met a case it does not know': ['InProgress', aVersionThat({}, new UnexpectedError('a bug'))],
  },
  ModelAlias: {
    'means a version of its Model': ['Current', anAliasOf(version)],
    'means a version that is not there': ['InProgress', anAliasOf(undefined)],
    'means a version of another Model': ['Failed', anAliasOf(aModelVersion('fare-1', {}, { model: { name: 'fare' } }))],
  },
  Approval: {
    recorded: ['Current', anApprovalOf(version)],
    'of a version that is not there': ['InProgress', anApprovalOf(undefined)],
  },
  TrainingJob: trainingJobs(),
  InferenceService: inferenceServices(),
  ModelRollout: modelRollouts(),
};
