import type { ModelVersion } from '@slipway/crds';
import type { PublishModelResult } from '@slipway/crds/batch';
import { builtin } from '@slipway/kube';
import type { Child, DeepReadonly, Job, LiveObject } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { isFinished } from '../../jobs/superseded-jobs.ts';
import { kinds } from '../../kinds.ts';
import type { VersionRequest } from '../../versions/publish-version.ts';
import { attemptNumberOf } from './attempt.ts';
import { buildAttemptJob, buildPublishJob, buildService } from './build-children.ts';
import { buildModelVersion, isVersionOfRun } from './build-model-version.ts';
import { runDigest } from './identity.ts';
import type { CurrentAttempt, ObservedTrainingJob } from './observe.ts';
import { trainingState } from './state.ts';
import type { TrainingState } from './state.ts';

export interface TrainingPlan {
  readonly apply: readonly Child[];
  /** A Job that has to be made, after `apply`. */
  readonly create: Job | undefined;
  /** A Job whose pods have to go. */
  readonly suspend: DeepReadonly<Job> | undefined;
  readonly publish: VersionRequest<ModelVersion> | undefined;
  /** Deleted last: what replaces them is there by then. */
  readonly prune: readonly LiveObject[];
}

/** What to write, from what was seen. An older attempt that runs, or is stuck, never delays a new one. */
export function planTrainingJob(observed: ObservedTrainingJob, config: WorkloadConfig): TrainingPlan {
  const state = trainingState(observed);
  const plan = { ...NOTHING, apply: serviceOf(observed, state), prune: superseded(observed, state) };
  switch (state.phase) {
    case 'starting':
      return { ...plan, create: attemptJob(observed, state, config) };
    case 'suspended':
      return { ...plan, suspend: state.stop };
    case 'publishing':
      return { ...plan, ...publishing(observed, state, config) };
    case 'training':
    case 'blocked':
    case 'failed':
    case 'publishFailed':
    case 'published':
    case 'alreadyProduced':
    case 'notPinned':
      break;
  }
  return plan;
}

/** From the first attempt on it is there for good: it keeps the highest number. */
function serviceOf({ trainingJob, lastAttempt }: ObservedTrainingJob, { phase }: TrainingState): Child[] {
  if (phase !== 'starting' && lastAttempt === 0) return [];
  return [{ kind: builtin.Service, object: buildService(trainingJob, lastAttempt) }];
}

const NOTHING = { create: undefined, suspend: undefined, publish: undefined };

type Starting = Extract<TrainingState, { phase: 'starting' }>;

function attemptJob(
  { trainingJob, identity }: ObservedTrainingJob,
  { number, restarts, inputs }: Starting,
  config: WorkloadConfig,
): Job {
  const code = identity.code ?? 'none';
  return buildAttemptJob(
    { trainingJob, attempt: number, inputs, config },
    {
      number,
      spec: identity.spec,
      code,
      template: identity.template,
      run: runDigest(trainingJob.spec, code, inputs.datasetVersion),
      datasetVersion: inputs.datasetVersion.metadata.name,
      restarts,
    },
  );
}

function publishing(
  observed: ObservedTrainingJob,
  { current, problem, result }: Extract<TrainingState, { phase: 'publishing' }>,
  config: WorkloadConfig,
): Partial<TrainingPlan> {
  const { trainingJob, modelStore } = observed;
  if (modelStore?.store === undefined) return {};
  if (result !== undefined) return { publish: versionRequest(observed, current, result) };
  if (current.publish.job !== undefined || problem !== undefined) return {};
  const { store } = modelStore;
  return { create: buildPublishJob({ trainingJob, attempt: current.record.number, modelStore: store, config }) };
}

function versionRequest(
  { trainingJob, model, modelStore, modelVersions }: ObservedTrainingJob,
  { record, publish: { job } }: CurrentAttempt,
  result: PublishModelResult,
): VersionRequest<ModelVersion> | undefined {
  const store = modelStore?.store;
  if (model === undefined || store === undefined || job === undefined) return undefined;
  const { namespace = '', name } = model.metadata;
  return {
    parent: { kind: kinds.Model, key: { namespace, name } },
    job,
    kind: kinds.ModelVersion,
    usedNumbers: modelVersions.map((version) => version.spec.number),
    build: (number) => buildModelVersion({ trainingJob, record, store, result }, number),
    isSame: (existing) => isVersionOfRun(existing, { run: record.run, digest: result.digest }),
  };
}

/**
 * Jobs that nothing asks for any more: those of other attempts once the wanted one is there or about to be, and without one,
 * those that still run for a spec of yesterday. Finished ones stay until then: they show how it ended.
 */
function superseded({ jobs, current }: ObservedTrainingJob, state: TrainingState): LiveObject[] {
  const wanted = state.phase === 'starting' ? state.number : current?.record.number;
  return jobs
    .filter((job) => (wanted === undefined ? !isFinished(job) : attemptNumberOf(job) !== wanted))
    .map((object) => ({ kind: builtin.Job, object }));
}
