/** What became of a Job, from the Job and its pods: a pure function of what the caches hold. */
import type { DeepReadonly, Job, Pod } from '@slipway/kube';
import type { z } from 'zod';
import { controllerUid } from '../caches.ts';
import { RESULT_ANNOTATION } from '../labels.ts';
import { BATCH_CONTAINER } from './build-batch-job.ts';
import { allStatuses, batchFailure, cleanWords, failedTrouble, pendingTrouble } from './pod-trouble.ts';
import type { Trouble } from './pod-trouble.ts';
import { parseJson } from '../parse-json.ts';

export type { Trouble } from './pod-trouble.ts';

export type JobOutcome<R> =
  | { readonly state: 'absent' }
  /** No container runs; `reason` is `Starting` while nothing is wrong. */
  | ({ readonly state: 'pending' } & Trouble)
  /** `trouble`: why an earlier pod failed, while the Job tries again. */
  | { readonly state: 'running'; readonly trouble?: Trouble }
  | { readonly state: 'succeeded'; readonly result: R }
  /** `retryable`: not the input's fault, so the same Job may end well another time. */
  | ({ readonly state: 'failed'; readonly retryable: boolean } & Trouble);

export interface JobOutcomeOptions<R> {
  /** What the result must look like. Without one the outcome of a Job that completed is `undefined`. */
  readonly result?: z.ZodType<R>;
  /** The container whose termination message is the result. Default `batch`. */
  readonly resultContainer?: string;
  /** Message of the newest FailedCreate event about the Job (quota, admission); used only while it has no pod. */
  readonly createFailure?: string | undefined;
  /** Message of the newest FailedMount event, by uid of the pod. */
  readonly mountFailures?: ReadonlyMap<string, string>;
}

/**
 * Order: a result that was recorded on the Job; a result in a pod that this Job controls; the Job's own verdict; what its
 * pods are doing. Pods that only carry the Job's labels are never believed.
 */
export function jobOutcome<R>(
  job: DeepReadonly<Job> | undefined,
  pods: readonly DeepReadonly<Pod>[],
  options: JobOutcomeOptions<R> = {},
): JobOutcome<R> {
  if (job === undefined) return { state: 'absent' };
  const own = pods
    .filter((pod) => job.metadata.uid !== undefined && controllerUid(pod) === job.metadata.uid)
    .sort(byAge);
  const told = recordedOutcome(job, options) ?? podOutcome(own, options);
  if (told !== undefined) return told;
  const isComplete = hasCondition(job, 'Complete') || hasCondition(job, 'SuccessCriteriaMet');
  const failed = jobCondition(job, 'Failed') ?? jobCondition(job, 'FailureTarget');
  // The caches of Jobs and of pods are not of one moment: the words of a pod may come after the verdict of its Job.
  if ((isComplete || failed !== undefined) && own.some(isStillRunning)) return { state: 'running' };
  if (isComplete) return completed(options);
  if (failed !== undefined) return failedOutcome(failed, own);
  return unfinished(own, options);
}

/** Of a Job that has ended: a pod that the cache still shows at work, and whose last words are on their way. */
export function isStillRunning({ metadata, status }: DeepReadonly<Pod>): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

/** What to write into the Job's annotation `slipway.dev/result`; undefined while there is nothing to keep. */
export function resultToRecord(outcome: JobOutcome<unknown>): string | undefined {
  if (outcome.state === 'succeeded') return JSON.stringify(outcome.result ?? { ok: true });
  if (outcome.state !== 'failed') return undefined;
  const { reason, message, retryable } = outcome;
  return JSON.stringify({ ok: false, reason, message, retryable });
}

/** The result that a container of a pod left, if it ended well and the result fits the schema. */
export function terminationResult<R>(pod: DeepReadonly<Pod>, container: string, schema: z.ZodType<R>): R | undefined {
  const ended = allStatuses(pod).find((status) => status.name === container)?.state?.terminated;
  if (ended?.exitCode !== 0) return undefined;
  const parsed = schema.safeParse(parseJson(ended.message));
  return parsed.success ? parsed.data : undefined;
}

function recordedOutcome<R>(job: DeepReadonly<Job>, options: JobOutcomeOptions<R>): JobOutcome<R> | undefined {
  const text = job.metadata.annotations?.[RESULT_ANNOTATION];
  if (text === undefined) return undefined;
  const value = parseJson(text);
  const failure = batchFailure(withoutRetryable(value));
  if (failure !== undefined) {
    const { reason, message } = failure;
    return { state: 'failed', reason, message, retryable: isRetryable(value) };
  }
  if (options.result === undefined) return { state: 'succeeded', result: undefined as R };
  const parsed = options.result.safeParse(value);
  return parsed.success ? { state: 'succeeded', result: parsed.data } : undefined;
}

function withoutRetryable(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { retryable: _, ...rest } = value as Record<string, unknown>;
  return JSON.stringify(rest);
}

function isRetryable(value: unknown): boolean {
  return (value as { retryable?: unknown }).retryable === true;
}

function podOutcome<R>(pods: readonly DeepReadonly<Pod>[], options: JobOutcomeOptions<R>): JobOutcome<R> | undefined {
  if (options.result === undefined) return undefined;
  for (const pod of pods) {
    if (pod.status?.phase !== 'Succeeded') continue;
    const result = terminationResult(pod, options.resultContainer ?? BATCH_CONTAINER, options.result);
    if (result !== undefined) return { state: 'succeeded', result };
  }
  return undefined;
}

function completed<R>(options: JobOutcomeOptions<R>): JobOutcome<R> {
  if (options.result === undefined) return { state: 'succeeded', result: undefined as R };
  return {
    state: 'failed',
    reason: 'ResultLost',
    message:
      'The Job ended well, but its pod was gone, or said nothing that we understand, before its result was read.',
    retryable: true,
  };
}

function failedOutcome<R>(condition: JobCondition, pods: readonly DeepReadonly<Pod>[]): JobOutcome<R> {
  if (condition.reason === 'DeadlineExceeded') {
    return {
      state: 'failed',
      reason: 'DeadlineExceeded',
      message: `The Job ran longer than it may. ${cleanWords(condition.message ?? '')}`.trim(),
      retryable: true,
    };
  }
  const trouble = newestFailure(pods);
  const retryable = condition.reason !== 'PodFailurePolicy';
  if (trouble !== undefined) return { state: 'failed', ...trouble, retryable };
  const words = cleanWords(condition.message ?? '');
  return {
    state: 'failed',
    reason: condition.reason ?? 'JobFailed',
    message: `The Job failed. ${words}`.trim(),
    retryable,
  };
}

function unfinished<R>(pods: readonly DeepReadonly<Pod>[], options: JobOutcomeOptions<R>): JobOutcome<R> {
  const live = pods.filter((pod) => pod.status?.phase !== 'Failed' && pod.metadata.deletionTimestamp === undefined);
  for (const pod of live) {
    const trouble = pendingTrouble(pod, options.mountFailures?.get(pod.metadata.uid ?? ''));
    if (trouble !== undefined) return { state: 'pending', ...trouble };
  }
  const earlier = newestFailure(pods);
  const trouble = earlier === undefined ? {} : { trouble: earlier };
  if (
    live.some((pod) => pod.status?.phase === 'Running' || pod.status?.phase === 'Succeeded') ||
    earlier !== undefined
  ) {
    return { state: 'running', ...trouble };
  }
  if (live.length === 0 && options.createFailure !== undefined) return notCreated(options.createFailure);
  return { state: 'pending', reason: 'Starting', message: 'The pod is starting.' };
}

function notCreated<R>(message: string): JobOutcome<R> {
  const reason = /exceeded quota/.test(message) ? 'QuotaExceeded' : 'PodRefused';
  const words = cleanWords(message.replace(/^Error creating: pods? "[^"]*" is forbidden: /, ''));
  return { state: 'pending', reason, message: `The namespace does not accept the pod: ${words}` };
}

function newestFailure(pods: readonly DeepReadonly<Pod>[]): Trouble | undefined {
  const failed = pods.filter((pod) => pod.status?.phase === 'Failed');
  // Several ranks of one attempt fail together; the one that told a reason of its own is more use than "exit code 1".
  const troubles = failed.toReversed().map((pod) => failedTrouble(pod, podTitle(pod)));
  const telling = troubles.find((trouble) => trouble !== undefined && trouble.reason !== 'PodFailed');
  return telling ?? troubles.find((trouble) => trouble !== undefined);
}

/** `The pod`, or `The pod of rank 1` in an Indexed Job. */
function podTitle(pod: DeepReadonly<Pod>): string {
  const index = pod.metadata.annotations?.['batch.kubernetes.io/job-completion-index'];
  return index === undefined ? 'The pod' : `The pod of rank ${index}`;
}

type JobCondition = NonNullable<NonNullable<DeepReadonly<Job>['status']>['conditions']>[number];

function jobCondition(job: DeepReadonly<Job>, type: string): JobCondition | undefined {
  return job.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

function hasCondition(job: DeepReadonly<Job>, type: string): boolean {
  return jobCondition(job, type) !== undefined;
}

function byAge(a: DeepReadonly<Pod>, b: DeepReadonly<Pod>): number {
  const at = `${a.metadata.creationTimestamp ?? ''} ${a.metadata.name}`;
  const bt = `${b.metadata.creationTimestamp ?? ''} ${b.metadata.name}`;
  return at < bt ? -1 : 1;
}
