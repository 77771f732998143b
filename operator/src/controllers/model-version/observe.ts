import type { ModelVersion } from '@slipway/crds';
import { VerifyModelResult } from '@slipway/crds/batch';
import type { DeepReadonly, Job } from '@slipway/kube';
import type { Caches } from '../../deps.ts';
import { findStore } from '../../jobs/find-store.ts';
import type { FoundStore } from '../../jobs/find-store.ts';
import { observeJob } from '../../jobs/observe-job.ts';
import type { ObservedJob } from '../../jobs/observe-job.ts';
import { observeDecisions } from './approval.ts';
import type { ObservedDecisions } from './approval.ts';
import { verifyJobName } from './build-verify-job.ts';
import { counterpartOf } from './compatibility/compatible.ts';
import type { Counterpart } from './compatibility/compatible.ts';
import { isEvaluation } from './evaluation/build-job.ts';
import { observeEvaluation } from './evaluation/observe.ts';
import type { ObservedEvaluation } from './evaluation/observe.ts';
import { usersOf } from './in-use.ts';

export interface ObservedModelVersion {
  readonly version: DeepReadonly<ModelVersion>;
  readonly found: FoundStore;
  /** The verification that the version and its Store ask for now, by name; absent until it was made. */
  readonly verification: ObservedJob<VerifyModelResult>;
  readonly evaluation: ObservedEvaluation;
  readonly decisions: ObservedDecisions;
  /** What its signature is compared with. */
  readonly counterpart: Counterpart | undefined;
  /** Every Job of this version, older verifications and evaluations included. */
  readonly jobs: readonly DeepReadonly<Job>[];
  /** Kind and name of each InferenceService that serves it or is asked to, and of each ModelAlias that means it; sorted. */
  readonly users: readonly string[];
}

export function observeModelVersion(caches: Caches, version: DeepReadonly<ModelVersion>): ObservedModelVersion {
  const { namespace = '', uid = '' } = version.metadata;
  const found = findStore(caches, { namespace, name: version.spec.artifact.store.name, access: 'read' });
  const jobs = caches.jobs.byIndex('controller', uid);
  const name =
    found.store === undefined
      ? newestName(jobs.filter((job) => !isEvaluation(job)))
      : verifyJobName(version, found.store);
  const verification = observeJob(
    caches,
    { namespace, name: name ?? '', ownerUid: uid },
    { result: VerifyModelResult },
  );
  return {
    version,
    found,
    verification,
    evaluation: observeEvaluation(caches, version),
    decisions: observeDecisions(caches, version),
    counterpart: counterpartOf(caches, version),
    jobs,
    users: usersOf(caches, version),
  };
}

/** While the Store is away the last verification still holds: the bytes of a version never change. */
function newestName(jobs: readonly DeepReadonly<Job>[]): string | undefined {
  const sorted = [...jobs].sort((a, b) =>
    (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1,
  );
  return sorted.at(-1)?.metadata.name;
}
