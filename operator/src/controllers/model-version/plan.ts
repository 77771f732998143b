import { builtin } from '@slipway/kube';
import type { Child, LiveObject } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { buildVerifyJob, verifyJobName } from './build-verify-job.ts';
import type { ObservedModelVersion } from './observe.ts';

export const IN_USE_FINALIZER = 'slipway.dev/in-use';

/** How soon, and how seldom, a verification that failed is done again. */
const FIRST_RETRY_MS = 5_000;
const LAST_RETRY_MS = 300_000;

export interface ModelVersionPlan {
  /** undefined: leave the finalizers as they are. */
  readonly finalizer: 'add' | 'remove' | undefined;
  readonly apply: readonly Child[];
  readonly prune: readonly LiveObject[];
  /** When to look again, in milliseconds; undefined: when something changes. */
  readonly lookAgainMs?: number;
}

/** What to write, from what was seen. A verification that exists is never applied again: its template cannot change. */
export function planModelVersion(observed: ObservedModelVersion, config: WorkloadConfig, now: Date): ModelVersionPlan {
  const { version, found, verification, jobs } = observed;
  const finalizer = planFinalizer(observed);
  if (version.metadata.deletionTimestamp !== undefined || found.store === undefined) {
    return { finalizer, apply: [], prune: [] };
  }
  const wanted = verifyJobName(version, found.store);
  const apply =
    verification.job === undefined ? [{ kind: builtin.Job, object: buildVerifyJob(version, found.store, config) }] : [];
  const retryMs = msUntilRetry(observed, now);
  const over = jobs.filter((job) => job.metadata.name !== wanted || retryMs === 0);
  const prune = over.map((object) => ({ kind: builtin.Job, object }));
  return retryMs === undefined || retryMs === 0
    ? { finalizer, apply, prune }
    : { finalizer, apply, prune, lookAgainMs: retryMs };
}

/**
 * A version never changes, but the bytes it names may come after it, or be put right: a verification that failed is done again
 * after as long as it has failed so far, which doubles the wait each time. Needs no memory but the version's own age.
 */
function msUntilRetry(
  { version, verification: { job, outcome } }: ObservedModelVersion,
  now: Date,
): number | undefined {
  if (outcome.state !== 'failed' || job === undefined) return undefined;
  const started = Date.parse(job.metadata.creationTimestamp ?? '');
  const failingFor = started - Date.parse(version.metadata.creationTimestamp ?? '');
  const wait = Math.min(Math.max(failingFor, FIRST_RETRY_MS), LAST_RETRY_MS);
  return Math.max(0, started + wait - now.getTime());
}

/** The finalizer is there before a service begins to use the version, and goes when nobody uses it any more. */
function planFinalizer({ version, users }: ObservedModelVersion): ModelVersionPlan['finalizer'] {
  const has = version.metadata.finalizers?.includes(IN_USE_FINALIZER) ?? false;
  if (users.length === 0) return has ? 'remove' : undefined;
  return has || version.metadata.deletionTimestamp !== undefined ? undefined : 'add';
}
