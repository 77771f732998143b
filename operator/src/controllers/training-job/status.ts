import type { Condition, ModelVersion, TrainingJobStatus } from '@slipway/crds';
import type { DeepReadonly, OperatorError, WantedCondition } from '@slipway/kube';
import { baseStatus, conditionsOfError, inProgress, isTrue, ready, stalled } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import { runPath } from './build-training-pod.ts';
import type { CurrentAttempt, ObservedTrainingJob } from './observe.ts';
import { MAX_RESTARTS, trainingState } from './state.ts';
import type { TrainingState } from './state.ts';

/** Undefined where an error says nothing about the TrainingJob: its status stays as it is. */
export function trainingJobStatus(
  observed: ObservedTrainingJob,
  context: { readonly now: Date; readonly error?: OperatorError | undefined },
): (TrainingJobStatus & { conditions: Condition[] }) | undefined {
  const state = trainingState(observed);
  const conditions = context.error === undefined ? conditionsOf(observed, state) : conditionsOfError(context.error);
  if (conditions === undefined) return undefined;
  return { ...baseStatus(observed.trainingJob, conditions, context.now), ...factsOf(observed, state) };
}

function conditionsOf(observed: ObservedTrainingJob, state: TrainingState): WantedCondition[] {
  const { run } = observed.trainingJob.spec;
  switch (state.phase) {
    case 'blocked':
      return blocked(state);
    case 'suspended':
      return ready({ reason: 'Suspended', message: 'No pod runs while spec.suspend is true.' });
    case 'starting':
      return inProgress({ reason: 'Starting', message: `Attempt ${state.number} starts.` });
    case 'training':
      return training(observed, state);
    case 'failed':
      return failed(afterFailure(state, run));
    case 'publishing':
      return state.problem === undefined ? ready(PUBLISHING) : inProgress(state.problem);
    case 'publishFailed':
      return failed(afterPublishFailure(state, run));
    case 'published':
      return succeeded({ reason: 'Published', message: publishedMessage(state, run) });
    case 'alreadyProduced':
      return succeeded({ reason: 'AlreadyProduced', message: producedMessage(state.version, run) });
    case 'notPinned':
      break;
  }
  return stalled({ reason: 'ImageNotPinned', message: notPinnedMessage(observed, state.version) });
}

function blocked({ problem, invalid }: Extract<TrainingState, { phase: 'blocked' }>): WantedCondition[] {
  return invalid ? stalled(problem) : inProgress(problem);
}

const PUBLISHING: Reason = {
  reason: 'Publishing',
  message: 'The training ended well; a Job checks and publishes the model.',
};

function succeeded(why: Reason): WantedCondition[] {
  return [...ready(why), isTrue('Succeeded', why)];
}

function failed(why: Reason): WantedCondition[] {
  return [...stalled(why), isTrue('Failed', why)];
}

function training(
  { identity }: ObservedTrainingJob,
  { current, trouble, runs }: Extract<TrainingState, { phase: 'training' }>,
): WantedCondition[] {
  const { number, datasetVersion, template } = current.record;
  if (trouble !== undefined) return inProgress({ reason: trouble.reason, message: trouble.message });
  if (!runs) return inProgress({ reason: 'Starting', message: `Attempt ${number} starts.` });
  const later =
    template === identity.template
      ? ''
      : ' Changes of resources, limits, account and pull secrets count from the next attempt on.';
  return ready({ reason: 'Running', message: `Attempt ${number} learns from ${datasetVersion}.${later}` });
}

function afterFailure({ current, why }: Extract<TrainingState, { phase: 'failed' }>, run: number): Reason {
  const { number, restarts } = current.record;
  const tried =
    restarts < MAX_RESTARTS ? '' : ` The cluster took ${MAX_RESTARTS + 1} attempts away, one after the other.`;
  const again = `A change of the spec starts the next attempt; to try the same again, raise spec.run to ${run + 1}.`;
  return { reason: why.reason, message: `Attempt ${number}: ${why.message}${tried} ${again}` };
}

function afterPublishFailure(
  { current, why, retryable }: Extract<TrainingState, { phase: 'publishFailed' }>,
  run: number,
): Reason {
  const job = current.publish.job?.metadata.name ?? '';
  const again = retryable
    ? `To publish the same output again: kubectl delete job ${job}`
    : `Mend the training and apply it, or raise spec.run to ${run + 1} to train the same again.`;
  return {
    reason: why.reason,
    message: `The output of attempt ${current.record.number} cannot be published: ${why.message} ${again}`,
  };
}

function publishedMessage({ name, version }: Extract<TrainingState, { phase: 'published' }>, run: number): string {
  if (version === undefined) {
    return `The run made ModelVersion "${name}", which was deleted since. To make another one, raise spec.run to ${run + 1}.`;
  }
  return `The run made ModelVersion "${name}".`;
}

function producedMessage({ metadata: { name } }: DeepReadonly<ModelVersion>, run: number): string {
  return `ModelVersion "${name}" was made of this spec by an earlier TrainingJob of this name. To train again, raise spec.run to ${run + 1}.`;
}

function notPinnedMessage({ trainingJob: { spec } }: ObservedTrainingJob, version: DeepReadonly<ModelVersion>): string {
  return `ModelVersion "${version.metadata.name}" was made of this spec by an earlier TrainingJob of this name, but nobody knows whether image "${spec.image}" is still the same. To train again, raise spec.run to ${spec.run + 1}, or name the image by digest (NAME@sha256:...), which also settles the question for the next time. Otherwise nothing starts.`;
}

type Facts = Omit<TrainingJobStatus, 'conditions' | 'observedGeneration'>;

function factsOf(observed: ObservedTrainingJob, state: TrainingState): Facts {
  if (state.phase === 'alreadyProduced' || state.phase === 'notPinned') return factsOfVersion(state.version);
  const { current } = observed;
  if (current !== undefined) return factsOfAttempt(observed, current, state);
  return state.phase === 'published' && state.version !== undefined ? factsOfVersion(state.version) : {};
}

function factsOfVersion({ metadata, spec }: DeepReadonly<ModelVersion>): Facts {
  const { run, attempt, datasetVersion } = spec.lineage ?? {};
  return {
    ...(run === undefined ? {} : { run }),
    ...(attempt === undefined ? {} : { attempt }),
    ...(datasetVersion === undefined ? {} : { datasetVersion }),
    output: { path: spec.artifact.path, modelVersion: metadata.name },
    ...metricFacts(spec.metrics),
  };
}

function factsOfAttempt(
  { trainingJob }: ObservedTrainingJob,
  { record, job, version, outcome, publish }: CurrentAttempt,
  state: TrainingState,
): Facts {
  const { active = 0, succeeded: done = 0, failed: lost = 0 } = job.status ?? {};
  const modelVersion = state.phase === 'published' ? state.name : undefined;
  const published = publish.outcome.state === 'succeeded' ? metricsOf(publish.outcome.result.metrics) : undefined;
  const path = runPath(trainingJob, record.number);
  return {
    run: record.run,
    attempt: record.number,
    datasetVersion: record.datasetVersion,
    nodes: { active, succeeded: done, failed: lost },
    ...(outcome.state === 'succeeded'
      ? { output: { path, ...(modelVersion === undefined ? {} : { modelVersion }) } }
      : {}),
    ...metricFacts(version?.spec.metrics ?? published),
  };
}

function metricsOf(metrics: Readonly<Record<string, number>>): { name: string; value: number }[] {
  const sorted = Object.entries(metrics).sort(([a], [b]) => (a < b ? -1 : 1));
  return sorted.slice(0, 128).map(([name, value]) => ({ name, value }));
}

function metricFacts(metrics: DeepReadonly<ModelVersion>['spec']['metrics']): Pick<Facts, 'metrics'> {
  return metrics === undefined || metrics.length === 0
    ? {}
    : { metrics: metrics.map(({ name, value }) => ({ name, value })) };
}
