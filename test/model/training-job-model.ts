/** A model of TrainingJobs: their attempts, the pods that train and publish, and the versions that come of them. */
import type { ModelVersion, TrainingJob } from '@slipway/crds';
import type { Job } from '@slipway/kube';
import { addTrainingJobController } from '../../operator/src/controllers/training-job/controller.ts';
import { attemptNumberOf } from '../../operator/src/controllers/training-job/attempt.ts';
import { shortHash } from '../../operator/src/names.ts';
import { ROLE_LABEL } from '../../operator/src/labels.ts';
import {
  aDataset,
  aDatasetVersion,
  aModel,
  aTrainingJob,
  PINNED_IMAGE,
} from '../../operator/src/testing/data-fixtures.ts';
import { WORKLOADS } from '../../operator/src/testing/fixtures.ts';
import { kindOf, objectsOfKind } from './api-model.ts';
import type { Objects } from './api-model.ts';
import { endsWith, failsWith, hasEnded, jobSteps } from './jobs.ts';
import type { JobFate } from './jobs.ts';
import { garbageCollection } from './kubernetes.ts';
import { createProgram } from './program.ts';
import type { Request } from './requests.ts';
import { breaksOwnership, doesNotSay, isUntold, leftBehind } from './rules.ts';
import { courseOf } from './scenario.ts';
import type { Scenario, ScenarioOptions, UserStep } from './scenario.ts';
import { startingPoint, userApplies, userDeletes } from './seed.ts';
import type { State } from './state.ts';
import { breaksVersions, versionsEver } from './version-rules.ts';

/** Ends well; ends badly; never ends. */
type Training = 'good' | 'broken' | 'stuck';

export interface TrainingModelOptions extends ScenarioOptions {
  /** Default: one, `xgb`. */
  readonly names?: readonly string[];
}

export function trainingJobModel(options: TrainingModelOptions): Scenario {
  const { names = ['xgb'], tamper } = options;
  const program = (name: string) =>
    createProgram({ controller: addTrainingJobController, owner: `TrainingJob/${name}`, config: WORKLOADS, tamper });
  return {
    ...courseOf(options),
    programs: names.map(program),
    initial: startingPoint([aModel(), aDataset(), aDatasetVersion()]),
    kubernetes: (api, server) => [...garbageCollection(api), ...jobSteps(api, server, fateOf)],
    remember: (api) => [...versionsEver(api, 'ModelVersion'), ...attemptsEver(api)],
    checkRequest: (request, before, after) =>
      breaksOwnership(request, before, after) ??
      breaksVersions('ModelVersion', request, before, after) ??
      repeatsAttempt(request, before, after),
    checkRest: ({ api, memory }) => {
      const trainings = objectsOfKind<TrainingJob>(api, 'TrainingJob');
      if (trainings.length === 0) return leftBehind(api);
      return trainings.map((training) => notAsAsked(api, training, memory)).find((what) => what !== undefined);
    },
  };
}

/** Attempts write to folders of their own: two under one number would mix what they write. */
function attemptsEver(api: Objects): string[] {
  const trainers = objectsOfKind<Job>(api, 'Job').filter(({ metadata }) => metadata.labels?.[ROLE_LABEL] === 'trainer');
  return trainers.map((job) => `attempt ${attemptNumberOf(job)} of ${job.metadata.ownerReferences?.[0]?.uid}`);
}

/** A late POST of a dead operator may; its successor then takes the Job away again. */
function repeatsAttempt(request: Request, { api, memory, late }: State, after: Objects): string | undefined {
  if (kindOf(request.id) !== 'Job' || api.has(request.id) || request === late) return undefined;
  const again = attemptsEver(new Map([...after].filter(([id]) => id === request.id))).find((line) =>
    memory.includes(line),
  );
  return again && `There is ${again} for the second time.`;
}

function fateOf(job: Job): JobFate {
  const training = JSON.stringify(job.spec?.template);
  if (job.metadata.labels?.[ROLE_LABEL] === 'publish') return endsWith(published(job));
  if (training.includes('stuck')) return 'hangs';
  return training.includes('broken') ? failsWith('NoOutput', 'trainer') : endsWith({ files: 1, bytes: 1 }, 'collect');
}

/** Every attempt makes other bytes. */
function published({ metadata }: Job) {
  const digest = `sha256:${shortHash([metadata.ownerReferences?.[0]?.uid, metadata.name], 64)}`;
  const signature = { inputs: [], outputs: [] };
  return { path: `/team/models/${digest.slice(-6)}`, digest, bytes: 1, signature, metrics: {} };
}

export function train(
  what: Training,
  { name = 'xgb', ...more }: { readonly name?: string; readonly suspend?: boolean; readonly run?: number } = {},
): UserStep {
  const words = `the user asks for a training ${name} that is ${what} ${JSON.stringify(more)}`;
  return userApplies(words, aTrainingJob({ command: [what], image: PINNED_IMAGE, nodes: 1, ...more }, name));
}

export const deleteTraining = userDeletes('the user deletes the training', 'TrainingJob/xgb');

function notAsAsked(api: Objects, training: TrainingJob, memory: readonly string[]): string | undefined {
  return isUntold(training) ?? runsUnasked(api, training) ?? doesNotTell(api, training, memory);
}

/** Of the Jobs, only those of one attempt are there; and nothing runs of what is not asked for. */
function runsUnasked(api: Objects, { metadata, spec }: TrainingJob): string | undefined {
  const jobs = objectsOfKind<Job>(api, 'Job').filter((job) => job.metadata.ownerReferences?.[0]?.uid === metadata.uid);
  const attempts = [...new Set(jobs.map(attemptNumberOf))];
  if (attempts.length > 1) return `There are Jobs of attempts ${attempts.join(', ')}.`;
  const running = jobs.filter((job) => !hasEnded(job) && api.has(`Pod/${job.metadata.name}-pod`));
  const mayRun = spec.command?.[0] === 'stuck' && !spec.suspend;
  return running.length > 0 && !mayRun ? `${running[0]?.metadata.name} still runs.` : undefined;
}

function doesNotTell(api: Objects, training: TrainingJob, memory: readonly string[]): string | undefined {
  const { spec, status } = training;
  const name = status?.output?.modelVersion;
  if (name === undefined && spec.suspend) return doesNotSay(training, 'Ready', 'Suspended');
  if (spec.command?.[0] === 'broken') return doesNotSay(training, 'Failed');
  if (spec.command?.[0] === 'stuck') return doesNotSay(training, 'Ready', 'Running');
  return doesNotSay(training, 'Succeeded') ?? isNoVersion(api, name, memory);
}

/** The version that the status names is there, or a person has deleted it. */
function isNoVersion(api: Objects, name: string | undefined, memory: readonly string[]): string | undefined {
  const version = api.get(`ModelVersion/${name}`)?.content.object as ModelVersion | undefined;
  const number = name?.split('-').at(1);
  const wasThere = memory.some((line) => line.startsWith(`version ${number} `));
  return version !== undefined || wasThere ? undefined : `There never was a version "${name}".`;
}
