import { builtin } from '@slipway/kube';
import type { DeepReadonly, Job, LiveObject } from '@slipway/kube';
import { RESULT_ANNOTATION } from '../labels.ts';

/** Its result is known, which may be a moment before the Job itself says that it is complete; or it ended in another way. */
export function isFinished(job: DeepReadonly<Job>): boolean {
  if (job.metadata.annotations?.[RESULT_ANNOTATION] !== undefined) return true;
  return (job.status?.conditions ?? []).some(
    ({ type, status }) => status === 'True' && (type === 'Complete' || type === 'Failed'),
  );
}

/**
 * The Jobs that the current one makes superfluous. An unfinished one goes at once: what it makes is no longer asked for, and
 * it may be stuck. A finished one is the record of work that a revert would need again, so it goes only when the current one
 * has succeeded, and if `keep` does not want it.
 */
export function supersededJobs(
  jobs: readonly DeepReadonly<Job>[],
  current: { readonly name: string; readonly succeeded: boolean },
  keep: (job: DeepReadonly<Job>) => boolean = () => false,
): LiveObject[] {
  return jobs
    .filter((job) => job.metadata.name !== current.name)
    .filter((job) => !isFinished(job) || (current.succeeded && !keep(job)))
    .map((object) => ({ kind: builtin.Job, object }));
}
