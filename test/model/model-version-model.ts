/** A model of one ModelVersion: the Jobs that verify and evaluate it, and the services and aliases that keep it. */
import type { ModelVersion } from '@slipway/crds';
import type { ControllerRevision, Job } from '@slipway/kube';
import { addModelVersionController } from '../../operator/src/controllers/model-version/controller.ts';
import { isEvaluation, pinsOf } from '../../operator/src/controllers/model-version/evaluation/build-job.ts';
import { IN_USE_FINALIZER } from '../../operator/src/controllers/model-version/plan.ts';
import { findCondition } from '../../operator/src/conditions.ts';
import { aDatasetVersion, aGate, aModel, aModelAlias, anEvaluation } from '../../operator/src/testing/data-fixtures.ts';
import { stableJson } from '../../operator/src/names.ts';
import { aModelVersion, anInferenceService, DIGEST, WORKLOADS } from '../../operator/src/testing/fixtures.ts';
import { objectsOfKind, without } from './api-model.ts';
import type { Objects } from './api-model.ts';
import { endsWith, failsWith, hasEnded, jobSteps } from './jobs.ts';
import type { JobFate } from './jobs.ts';
import { garbageCollection } from './kubernetes.ts';
import type { Request } from './requests.ts';
import type { UserStep } from './scenario.ts';
import { createProgram } from './program.ts';
import { breaksOwnership, doesNotSay, isUntold, leftBehind } from './rules.ts';
import { courseOf } from './scenario.ts';
import type { Scenario, ScenarioOptions } from './scenario.ts';
import { startingPoint, userApplies, userDeletes } from './seed.ts';
import type { State } from './state.ts';

const NAME = 'v1';
const VERSION = `ModelVersion/${NAME}`;

export interface VersionModelOptions extends ScenarioOptions {
  /** The first verification does not find the bytes; the next one does. */
  readonly bytesComeLate?: boolean;
}

export function modelVersionModel(options: VersionModelOptions): Scenario {
  const { bytesComeLate = false, tamper } = options;
  const fateOf = (job: Job): JobFate => {
    if (isEvaluation(job)) return endsWith(EVALUATED);
    return bytesComeLate && job.metadata.creationTimestamp === FIRST_SECOND
      ? failsWith('FileNotFound')
      : endsWith(VERIFIED);
  };
  return {
    ...courseOf(options),
    programs: [createProgram({ controller: addModelVersionController, owner: VERSION, config: WORKLOADS, tamper })],
    initial: startingPoint([]),
    kubernetes: (api, server) => [...garbageCollection(api), ...jobSteps(api, server, fateOf)],
    remember: () => [],
    checkRequest: (request, before, after) =>
      breaksOwnership(request, before, after) ??
      takesUsedVersion(before, after) ??
      evaluatesAgain(request, before, after) ??
      forgetsChampion(before, after),
    checkRest: ({ api }) => {
      const version = versionIn(api);
      return version === undefined ? leftBehind(api) : notAsAsked(api, version);
    },
  };
}

const FIRST_SECOND = '2026-11-23T10:00:00Z';
const VERIFIED = { digest: DIGEST, bytes: 1, signature: { inputs: [], outputs: [] } };

const EVALUATED = { rows: 10, models: [{ name: NAME, digest: DIGEST, metrics: { 'test.auc': 0.7 } }], warnings: [] };

const gated = aModel({ evaluation: anEvaluation({ rescore: ['champion'] }), gates: [aGate({ min: 0.6 })] });
export const makeGatedModel = userApplies('the user makes a Model with a gate', gated);
export const makeRows = userApplies('a DatasetVersion is made', aDatasetVersion());
export const makeNewerRows = userApplies('a newer DatasetVersion is made', aDatasetVersion(2));
export const makeGatedVersion = userApplies(
  'the user makes a version of the Model',
  aModelVersion(NAME, {}, { model: { name: 'delay' } }),
);
/** As a TTL does, long after they have ended. One that goes before its result was kept has to be made again. */
export const dropEvaluations: UserStep = {
  words: 'the Jobs that have evaluated it go',
  when: ({ api }) => evaluationsIn(api).some(hasEnded) && objectsOfKind(api, 'ControllerRevision').length > 0,
  act: (api) =>
    without(
      api,
      evaluationsIn(api)
        .filter(hasEnded)
        .map(({ metadata }) => `Job/${metadata.name}`),
    ),
};

export const makeVersion = userApplies('the user makes the version', aModelVersion(NAME));
export const deleteVersion = userDeletes('the user deletes the version', VERSION);
export const useVersion = userApplies(
  'a service uses the version',
  anInferenceService({ modelVersion: { name: NAME } }),
);
export const aliasVersion = userApplies('an alias means the version', aModelAlias({ modelVersion: { name: NAME } }));
export const dropAlias = userDeletes('the alias goes', 'ModelAlias/delay.champion');
export const leaveVersion = userDeletes('the service goes', 'InferenceService/flights');

/** The state says that a service or an alias uses it, where a pass could know: since before it began, or before the version was deleted. */
function takesUsedVersion({ api, pass }: State, after: Objects): string | undefined {
  const isGone = versionIn(api) !== undefined && versionIn(after) === undefined;
  return isGone && isUsed(api) && isUsed(pass?.view ?? api) ? 'The version goes while it is used.' : undefined;
}

function evaluationsIn(api: Objects): Job[] {
  return objectsOfKind<Job>(api, 'Job').filter(isEvaluation);
}

/** What a Job that came late finds is not looked at any more. */
function evaluatesAgain(request: Request, { api, late }: State, after: Objects): string | undefined {
  const [before] = objectsOfKind<ControllerRevision>(api, 'ControllerRevision');
  if (before === undefined || versionIn(after) === undefined) return undefined;
  const [now] = objectsOfKind<ControllerRevision>(after, 'ControllerRevision');
  if (stableJson(now?.data) !== stableJson(before.data)) return 'What was found is changed.';
  const isMade = evaluationsIn(after).length > evaluationsIn(api).length;
  return isMade && request !== late ? 'It is evaluated again.' : undefined;
}

/** Where the alias was there before the version, whatever caches show. */
function forgetsChampion({ api }: State, after: Objects): string | undefined {
  if (objectsOfKind(after, 'ModelAlias').length === 0 || evaluationsIn(after).length <= evaluationsIn(api).length)
    return undefined;
  const knows = evaluationsIn(after).every((job) => pinsOf(job)?.champions[0]?.modelVersion === NAME);
  return knows ? undefined : 'It is compared with nothing, although there is a champion.';
}

function versionIn(api: Objects): ModelVersion | undefined {
  return api.get(VERSION)?.content.object as ModelVersion | undefined;
}

function isUsed(api: Objects): boolean {
  return ['InferenceService', 'ModelAlias'].some((kind) => objectsOfKind(api, kind).length > 0);
}

function notAsAsked(api: Objects, version: ModelVersion): string | undefined {
  return isUntold(version) ?? keptWrongly(version, isUsed(api)) ?? unverified(api, version);
}

function keptWrongly(version: ModelVersion, used: boolean): string | undefined {
  const { finalizers = [], deletionTimestamp } = version.metadata;
  if (finalizers.includes(IN_USE_FINALIZER) !== used) return `Its finalizers are [${finalizers.join()}].`;
  if (deletionTimestamp !== undefined && !used) return 'It is deleted, unused, and does not go.';
  const isTold = findCondition(version, 'InUse')?.status === (used ? 'True' : 'False');
  return isTold ? undefined : 'InUse does not say whether it is used.';
}

function unverified(api: Objects, version: ModelVersion): string | undefined {
  if (version.metadata.deletionTimestamp !== undefined) return undefined;
  const jobs = objectsOfKind<Job>(api, 'Job').filter((job) => !isEvaluation(job));
  if (jobs.length !== 1 || !jobs.every(hasEnded)) return `There are ${jobs.length} Jobs, or one still runs.`;
  return doesNotSay(version, 'Ready', 'Verified') ?? doesNotSay(version, 'ArtifactVerified') ?? unjudged(api, version);
}

function unjudged(api: Objects, version: ModelVersion): string | undefined {
  const canBeJudged = objectsOfKind(api, 'DatasetVersion').length > 0;
  if (version.spec.model === undefined || !canBeJudged) return undefined;
  const records = objectsOfKind(api, 'ControllerRevision');
  if (records.length !== 1) return `There are ${records.length} records of an evaluation.`;
  return evaluationsIn(api).every(hasEnded)
    ? doesNotSay(version, 'GatesPassed', 'GatesPassed')
    : 'A Job still evaluates.';
}
