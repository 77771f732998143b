import type { Store } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { Child, DeepReadonly, LiveObject } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { buildVerifyJob, verifyJobName } from './build-verify-job.ts';
import { isEvaluation } from './evaluation/build-job.ts';
import { planEvaluation } from './evaluation/plan.ts';
import type { EvaluationPlan } from './evaluation/plan.ts';
import type { ObservedModelVersion } from './observe.ts';
import { msUntilRetry } from './retry.ts';

export const IN_USE_FINALIZER = 'slipway.dev/in-use';

export interface ModelVersionPlan {
  /** undefined: leave the finalizers as they are. */
  readonly finalizer: 'add' | 'remove' | undefined;
  readonly apply: readonly Child[];
  readonly evaluate: EvaluationPlan['create'];
  readonly prune: readonly LiveObject[];
  /** When to look again, in milliseconds; undefined: when something changes. */
  readonly lookAgainMs: number | undefined;
}

/** What to write, from what was seen. A Job that exists is never applied again: its template cannot change. */
export function planModelVersion(observed: ObservedModelVersion, config: WorkloadConfig, now: Date): ModelVersionPlan {
  const { version, found } = observed;
  const finalizer = planFinalizer(observed);
  if (version.metadata.deletionTimestamp !== undefined) {
    return { finalizer, apply: [], evaluate: undefined, prune: [], lookAgainMs: undefined };
  }
  const verification =
    found.store === undefined
      ? { apply: [], prune: [], lookAgainMs: undefined }
      : planVerification(observed, found.store, { config, now });
  const evaluation = planEvaluation(observed, config, now);
  return {
    finalizer,
    apply: [...verification.apply, ...evaluation.record],
    evaluate: evaluation.create,
    prune: [...verification.prune, ...evaluation.prune],
    lookAgainMs: soonest(verification.lookAgainMs, evaluation.lookAgainMs),
  };
}

function planVerification(
  { version, verification, jobs }: ObservedModelVersion,
  store: DeepReadonly<Store>,
  { config, now }: { readonly config: WorkloadConfig; readonly now: Date },
): Pick<ModelVersionPlan, 'apply' | 'prune' | 'lookAgainMs'> {
  const wanted = verifyJobName(version, store);
  const apply =
    verification.job === undefined ? [{ kind: builtin.Job, object: buildVerifyJob(version, store, config) }] : [];
  const retryMs = msUntilRetry(version, verification, now);
  const over = jobs.filter((job) => !isEvaluation(job) && (job.metadata.name !== wanted || retryMs === 0));
  const prune = over.map((object) => ({ kind: builtin.Job, object }));
  return { apply, prune, lookAgainMs: retryMs === 0 ? undefined : retryMs };
}

function soonest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}

/** The finalizer is there before a service begins to use the version, and goes when nobody uses it any more. */
function planFinalizer({ version, users }: ObservedModelVersion): ModelVersionPlan['finalizer'] {
  const has = version.metadata.finalizers?.includes(IN_USE_FINALIZER) ?? false;
  if (users.length === 0) return has ? 'remove' : undefined;
  return has || version.metadata.deletionTimestamp !== undefined ? undefined : 'add';
}
