/** How an attempt ended, from its Indexed Job and the pods of its ranks: a pure function of what the caches hold. */
import { CollectResult } from '@slipway/crds/batch';
import type { DeepReadonly, Job, Pod } from '@slipway/kube';
import { isStillRunning, jobOutcome } from '../../jobs/job-outcome.ts';
import type { JobOutcome, JobOutcomeOptions } from '../../jobs/job-outcome.ts';
import { allStatuses, batchFailure, cleanWords, containerFailure, failedTrouble } from '../../jobs/pod-trouble.ts';
import type { Terminated, Trouble } from '../../jobs/pod-trouble.ts';
import { parseJson } from '../../parse-json.ts';
import { RESULT_ANNOTATION } from '../../labels.ts';
import { COLLECT, TRAINER } from './build-training-pod.ts';

/** `retryable` says that the cluster took the pods away, which is no fault of the training. */
export type AttemptOutcome = JobOutcome<CollectResult>;
type Failed = Extract<AttemptOutcome, { state: 'failed' }>;
type Options = Pick<JobOutcomeOptions<never>, 'createFailure' | 'mountFailures'>;

export function attemptOutcome(
  job: DeepReadonly<Job> | undefined,
  pods: readonly DeepReadonly<Pod>[],
  options: Options = {},
): AttemptOutcome {
  if (job === undefined) return { state: 'absent' };
  if (job.metadata.annotations?.[RESULT_ANNOTATION] !== undefined)
    return jobOutcome(job, [], { result: CollectResult });
  const failed = condition(job, 'Failed') ?? condition(job, 'FailureTarget');
  const isComplete = condition(job, 'Complete') !== undefined;
  // The caches of Jobs and of pods are not of one moment: the words of a pod may come after the verdict of its Job.
  if ((failed !== undefined || isComplete) && pods.some(isStillRunning)) return { state: 'running' };
  if (failed !== undefined) return failure(failed, pods, job);
  if (isComplete) return collected(pods);
  return unfinished(jobOutcome(job, pods, options), pods);
}

/** One rank that is done decides nothing. */
function unfinished(outcome: JobOutcome<never>, pods: readonly DeepReadonly<Pod>[]): AttemptOutcome {
  if (outcome.state !== 'running' && outcome.state !== 'succeeded') return outcome;
  const trouble = sidecarTrouble(pods);
  return { state: 'running', ...(trouble === undefined ? {} : { trouble }) };
}

/** The exit code of a sidecar does not count for the Job, so what it says does. Only the output of rank 0 is published. */
function collected(pods: readonly DeepReadonly<Pod>[]): AttemptOutcome {
  const first = pods.find((pod) => rankOf(pod) === 0 && pod.status?.phase === 'Succeeded');
  const said = first === undefined ? undefined : sidecarWords(first);
  const parsed = CollectResult.safeParse(parseJson(said));
  if (parsed.success) return { state: 'succeeded', result: parsed.data };
  const told = batchFailure(said);
  if (told !== undefined) return { state: 'failed', reason: told.reason, message: told.message, retryable: false };
  const message =
    'The training ended well, but the sidecar of rank 0 did not say that it brought the output to the Store, or its pod was gone before that was read.';
  return { state: 'failed', reason: 'OutputMissing', message, retryable: false };
}

/** The last words of the sidecar. It is started again when it fails, so they may be those of the time before. */
function sidecarWords(pod: DeepReadonly<Pod>): string | undefined {
  const status = allStatuses(pod).find(({ name }) => name === COLLECT);
  return status?.state?.terminated?.message ?? status?.lastState?.terminated?.message;
}

/** A Store that cannot be written shows at once, not when the training has ended. */
function sidecarTrouble(pods: readonly DeepReadonly<Pod>[]): Trouble | undefined {
  const told = pods.map((pod) => batchFailure(sidecarWords(pod))).find((words) => words !== undefined);
  return told && { reason: told.reason, message: told.message };
}

type JobCondition = NonNullable<NonNullable<DeepReadonly<Job>['status']>['conditions']>[number];

function failure(why: JobCondition, pods: readonly DeepReadonly<Pod>[], job: DeepReadonly<Job>): Failed {
  if (why.reason === 'DeadlineExceeded') {
    const message = `The attempt ran longer than spec.limits.runningTime, ${job.spec?.activeDeadlineSeconds} s. Raise the limit, or make the training shorter.`;
    return { state: 'failed', reason: 'DeadlineExceeded', message, retryable: false };
  }
  if (why.reason === 'PodFailurePolicy') {
    const words = pods
      .map((pod) => failedTrouble(pod, title(pod)))
      .find((trouble) => trouble?.reason === 'Evicted')?.message;
    const message =
      words ?? 'The cluster took a pod of the attempt away: its node was drained, lost, or ran out of resources.';
    return { state: 'failed', reason: 'Evicted', message, retryable: true };
  }
  const trouble = rankTrouble(pods);
  if (trouble !== undefined) return { state: 'failed', ...trouble, retryable: false };
  const words = cleanWords(why.message ?? '');
  const message = `A pod of the attempt was gone before it ended. ${words}`.trim();
  return { state: 'failed', reason: 'PodLost', message, retryable: false };
}

interface Ending {
  readonly pod: DeepReadonly<Pod>;
  readonly container: string;
  readonly ended: Terminated;
}

/** When one rank fails the others fail after it, with errors that only say so: the first to end is the cause. */
function rankTrouble(pods: readonly DeepReadonly<Pod>[]): Trouble | undefined {
  const endings = pods.flatMap(endingsOf).sort((a, b) => (endedAt(a) < endedAt(b) ? -1 : 1));
  const cause = endings.find(({ ended }) => ended.reason === 'OOMKilled') ?? endings[0];
  if (cause !== undefined) {
    const { pod, container, ended } = cause;
    return named(containerFailure(pod, container, ended, title(pod)), container);
  }
  return pods.map((pod) => failedTrouble(withoutSidecar(pod), title(pod))).find((trouble) => trouble !== undefined);
}

/** It is told to stop, and by force where it takes too long: that says nothing about the training. */
function withoutSidecar(pod: DeepReadonly<Pod>): DeepReadonly<Pod> {
  const initContainerStatuses = pod.status?.initContainerStatuses?.filter(({ name }) => name !== COLLECT) ?? [];
  return { ...pod, status: { ...pod.status, initContainerStatuses } };
}

function endingsOf(pod: DeepReadonly<Pod>): Ending[] {
  return allStatuses(pod).flatMap(({ name, state }) => {
    const ended = state?.terminated;
    return name === COLLECT || ended === undefined || ended.exitCode === 0 ? [] : [{ pod, container: name, ended }];
  });
}

function endedAt({ pod, ended }: Ending): string {
  return `${ended.finishedAt ?? ''} ${String(rankOf(pod) ?? 0).padStart(4, '0')}`;
}

function named({ reason, message }: Trouble, container: string): Trouble {
  if (reason === 'OOMKilled') return { reason: 'OOMKilled', message };
  return { reason: reason === 'ContainerFailed' && container === TRAINER ? 'TrainerFailed' : reason, message };
}

export function rankOf({ metadata }: DeepReadonly<Pod>): number | undefined {
  const index = metadata.annotations?.['batch.kubernetes.io/job-completion-index'];
  return index === undefined ? undefined : Number(index);
}

function title(pod: DeepReadonly<Pod>): string {
  return `The pod of rank ${rankOf(pod) ?? 0}`;
}

function condition(job: DeepReadonly<Job>, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((each) => each.type === type && each.status === 'True');
}
