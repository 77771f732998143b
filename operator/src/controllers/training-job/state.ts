import type { ModelVersion } from '@slipway/crds';
import type { PublishModelResult } from '@slipway/crds/batch';
import type { DeepReadonly, Job } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import type { TrainingInputs } from './build-training-pod.ts';
import { isPinned } from './identity.ts';
import type { CurrentAttempt, ObservedTrainingJob } from './observe.ts';

/** How often attempts that the cluster took away are replaced before the run counts as failed. */
export const MAX_RESTARTS = 10;

/** Where a TrainingJob stands. Plan and status both go by it. */
export type TrainingState =
  /** `invalid`: only a change of the spec helps. */
  | { readonly phase: 'blocked'; readonly problem: Reason; readonly invalid: boolean }
  /** `stop`: the Job of an attempt that still has to be told. */
  | { readonly phase: 'suspended'; readonly stop: DeepReadonly<Job> | undefined }
  | { readonly phase: 'starting'; readonly number: number; readonly restarts: number; readonly inputs: TrainingInputs }
  | {
      readonly phase: 'training';
      readonly current: CurrentAttempt;
      readonly trouble: Reason | undefined;
      readonly runs: boolean;
    }
  | { readonly phase: 'failed'; readonly current: CurrentAttempt; readonly why: Reason }
  /** `result` once there is a model that only needs its version. */
  | {
      readonly phase: 'publishing';
      readonly current: CurrentAttempt;
      readonly problem: Reason | undefined;
      readonly result: PublishModelResult | undefined;
    }
  | {
      readonly phase: 'publishFailed';
      readonly current: CurrentAttempt;
      readonly why: Reason;
      readonly retryable: boolean;
    }
  /** `version` is undefined when a person deleted it. `current` is undefined when the Jobs are gone. */
  | { readonly phase: 'published'; readonly name: string; readonly version: DeepReadonly<ModelVersion> | undefined }
  /** A TrainingJob of this name, before this one, has made it. */
  | { readonly phase: 'alreadyProduced'; readonly version: DeepReadonly<ModelVersion> }
  | { readonly phase: 'notPinned'; readonly version: DeepReadonly<ModelVersion> };

export function trainingState(observed: ObservedTrainingJob): TrainingState {
  const { current, produced, trainingJob } = observed;
  if (current !== undefined) return stateOfAttempt(observed, current);
  if (produced !== undefined) return stateOfProduced(observed, produced);
  if (trainingJob.spec.suspend) return { phase: 'suspended', stop: undefined };
  return nextAttempt(observed, 0);
}

function stateOfProduced(
  { trainingJob: { metadata, spec } }: ObservedTrainingJob,
  version: DeepReadonly<ModelVersion>,
): TrainingState {
  // It is this very object's own work, whatever has become of its Jobs.
  if (version.metadata.labels?.['slipway.dev/producer-uid'] === metadata.uid) {
    return { phase: 'published', name: version.metadata.name, version };
  }
  return { phase: isPinned(spec.image) ? 'alreadyProduced' : 'notPinned', version };
}

function stateOfAttempt(observed: ObservedTrainingJob, current: CurrentAttempt): TrainingState {
  const { identity } = observed;
  const { outcome, record } = current;
  const hasOtherTemplate = record.template !== identity.template;
  switch (outcome.state) {
    case 'absent':
    case 'pending':
      if (hasOtherTemplate && !isSuspended(observed)) return nextAttempt(observed, 0);
      return unfinished(observed, current);
    case 'running':
      return unfinished(observed, current);
    case 'failed':
      if (hasOtherTemplate) return nextAttempt(observed, 0);
      if (outcome.retryable && record.restarts < MAX_RESTARTS) return nextAttempt(observed, record.restarts + 1);
      return { phase: 'failed', current, why: outcome };
    case 'succeeded':
      break;
  }
  return stateOfPublishing(observed, current);
}

function unfinished(observed: ObservedTrainingJob, current: CurrentAttempt): TrainingState {
  const { job, outcome } = current;
  const isStopped = job.spec?.suspend === true;
  if (isSuspended(observed)) return { phase: 'suspended', stop: isStopped ? undefined : job };
  // A new attempt, not the old one again: what the stopped pods wrote must not mix with what the next ones write.
  if (isStopped) return nextAttempt(observed, 0);
  const trouble = outcome.state === 'running' ? outcome.trouble : outcome.state === 'pending' ? outcome : undefined;
  return { phase: 'training', current, trouble, runs: outcome.state === 'running' };
}

function isSuspended({ trainingJob }: ObservedTrainingJob): boolean {
  return trainingJob.spec.suspend;
}

function nextAttempt(observed: ObservedTrainingJob, restarts: number): TrainingState {
  const { inputs, lastAttempt } = observed;
  if (isSuspended(observed)) return { phase: 'suspended', stop: undefined };
  if (inputs.ready === undefined) return { phase: 'blocked', problem: inputs.problem, invalid: inputs.invalid };
  return { phase: 'starting', number: lastAttempt + 1, restarts, inputs: inputs.ready };
}

function stateOfPublishing(observed: ObservedTrainingJob, current: CurrentAttempt): TrainingState {
  const { publish, version, deletedVersion } = current;
  const name = version?.metadata.name ?? deletedVersion;
  if (name !== undefined) return { phase: 'published', name, version };
  const { outcome } = publish;
  if (outcome.state === 'failed') {
    return { phase: 'publishFailed', current, why: outcome, retryable: outcome.retryable };
  }
  if (outcome.state === 'absent' && isSuspended(observed)) return { phase: 'suspended', stop: undefined };
  const result = outcome.state === 'succeeded' ? outcome.result : undefined;
  return { phase: 'publishing', current, problem: publishProblem(observed, outcome), result };
}

/** What keeps a model from being published. Once the Job has written it, only the name that it shall get can be missing. */
function publishProblem(
  observed: ObservedTrainingJob,
  outcome: CurrentAttempt['publish']['outcome'],
): Reason | undefined {
  if (outcome.state === 'pending') return outcome.reason === 'Starting' ? undefined : outcome;
  if (outcome.state === 'running') return outcome.trouble;
  if (observed.model === undefined) return modelGone(observed);
  return observed.modelStore?.problem;
}

function modelGone({ trainingJob: { spec, metadata } }: ObservedTrainingJob): Reason {
  const message = `There is no Model "${spec.output.model.name}" in namespace "${metadata.namespace}" any more, which the training was for. Create it again.`;
  return { reason: 'ModelNotFound', message };
}
