import type { ModelVersion } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { ObservedJob } from '../../jobs/observe-job.ts';

/** How soon, and how seldom, what failed is done again. */
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 300_000;

/**
 * A version never changes, but the bytes it names may come after it, or be put right: a Job that failed is done again after as
 * long as it has failed so far, which doubles the wait each time. Needs no memory but the version's own age. Undefined for
 * one that has not failed.
 */
export function msUntilRetry(
  version: DeepReadonly<ModelVersion>,
  { job, outcome }: ObservedJob<unknown>,
  now: Date,
): number | undefined {
  if (outcome.state !== 'failed' || job === undefined) return undefined;
  const started = Date.parse(job.metadata.creationTimestamp ?? '');
  const failingFor = started - Date.parse(version.metadata.creationTimestamp ?? '');
  const wait = Math.min(Math.max(failingFor, FIRST_RETRY_MS), LAST_RETRY_MS);
  return Math.max(0, started + wait - now.getTime());
}
