import type { CoreEvent, DeepReadonly, Job, ObjectKey, Pod, Scope } from '@slipway/kube';
import { builtin, keyOf, TransientError } from '@slipway/kube';
import { controllerUid } from '../caches.ts';
import type { Caches, OperatorDeps } from '../deps.ts';
import { RESULT_ANNOTATION } from '../labels.ts';
import { jobOutcome, resultToRecord } from './job-outcome.ts';
import type { JobOutcome, JobOutcomeOptions } from './job-outcome.ts';

export interface ObservedJob<R> {
  readonly job: DeepReadonly<Job> | undefined;
  readonly pods: readonly DeepReadonly<Pod>[];
  readonly outcome: JobOutcome<R>;
}

/**
 * Reads a Job, its pods and what Kubernetes complained about from the caches. A Job of that name under another controller
 * is not ours: `ownerUid` keeps it out (`applyOwned` then says NameTaken).
 */
export function observeJob<R>(
  caches: Pick<Caches, 'jobs' | 'pods' | 'jobCreateFailures' | 'mountFailures'>,
  key: ObjectKey & { readonly ownerUid: string | undefined },
  options: Pick<JobOutcomeOptions<R>, 'result' | 'resultContainer'> = {},
): ObservedJob<R> {
  const found = caches.jobs.get({
    ...(key.namespace === undefined ? {} : { namespace: key.namespace }),
    name: key.name,
  });
  const controller = found?.metadata.ownerReferences?.find((reference) => reference.controller === true);
  const job = found !== undefined && controller?.uid === key.ownerUid ? found : undefined;
  const uid = job?.metadata.uid;
  const pods = uid === undefined ? [] : caches.pods.byIndex('controller', uid);
  const outcome = jobOutcome<R>(job, pods, {
    ...options,
    createFailure: uid === undefined ? undefined : newestMessage(caches.jobCreateFailures.byIndex('subject', uid)),
    mountFailures: mountFailuresOf(caches, pods),
  });
  return { job, pods, outcome };
}

/** Messages of FailedMount events, by uid of the pod. */
export function mountFailuresOf(
  caches: Pick<Caches, 'mountFailures'>,
  pods: readonly DeepReadonly<Pod>[],
): ReadonlyMap<string, string> {
  const messages = new Map<string, string>();
  for (const { metadata } of pods) {
    if (metadata.uid === undefined) continue;
    const message = newestMessage(caches.mountFailures.byIndex('subject', metadata.uid));
    if (message !== undefined) messages.set(metadata.uid, message);
  }
  return messages;
}

/** The newest of the events that Kubernetes wrote about one subject. */
export function newestMessage(events: readonly DeepReadonly<CoreEvent>[]): string | undefined {
  const sorted = [...events].sort((a, b) => (eventTime(a) < eventTime(b) ? -1 : 1));
  return sorted.at(-1)?.message;
}

function eventTime(event: DeepReadonly<CoreEvent>): string {
  return event.lastTimestamp ?? event.series?.lastObservedTime ?? event.metadata.creationTimestamp ?? '';
}

/**
 * Writes the outcome of an ended Job into its annotation `slipway.dev/result`, once. After this the pods, our status and
 * the operator may all go: nothing runs again. Returns whether it wrote.
 */
export async function recordJobResult(
  deps: Pick<OperatorDeps, 'client'>,
  { job, pods, outcome }: ObservedJob<unknown>,
  fieldManager: string,
  scope: Scope,
): Promise<boolean> {
  const text = resultToRecord(outcome);
  if (job === undefined || text === undefined || job.metadata.annotations?.[RESULT_ANNOTATION] !== undefined)
    return false;
  if (outcome.state === 'failed') await requireAllPods(deps, job, pods, scope);
  const patch = { metadata: { uid: job.metadata.uid, annotations: { [RESULT_ANNOTATION]: text } } };
  await deps.client.mergePatch(builtin.Job, keyOf(job), patch, { fieldManager, signal: scope.signal });
  scope.log.info({ job: job.metadata.name, state: outcome.state }, 'job ended');
  return true;
}

/**
 * A failure may rest on what no pod has said, and it is written down for good; so it must not rest on a cache of pods that is
 * behind that of Jobs.
 *
 * @throws TransientError when the API server knows more; the pods wake the key when they arrive.
 */
async function requireAllPods(
  { client }: Pick<OperatorDeps, 'client'>,
  { metadata: { namespace = '', uid = '' } }: DeepReadonly<Job>,
  known: readonly DeepReadonly<Pod>[],
  { signal }: Scope,
): Promise<void> {
  const labelSelector = `batch.kubernetes.io/controller-uid=${uid}`;
  const { items } = await client.list(builtin.Pod, { namespace, labelSelector, signal });
  const isKnown = (pod: Pod) =>
    known.some(({ metadata, status }) => metadata.uid === pod.metadata.uid && status?.phase === pod.status?.phase);
  if (items.filter((pod) => controllerUid(pod) === uid).every(isKnown)) return;
  throw new TransientError('CacheBehind', 'The Job has pods of which the cache does not know yet; looking again.');
}
