import type { ModelVersion } from '@slipway/crds';
import { VerifyModelResult } from '@slipway/crds/batch';
import { controllerOf } from '@slipway/kube';
import type { DeepReadonly, Job } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { Caches } from '../../deps.ts';
import { findStore } from '../../jobs/find-store.ts';
import type { FoundStore } from '../../jobs/find-store.ts';
import { observeJob } from '../../jobs/observe-job.ts';
import type { ObservedJob } from '../../jobs/observe-job.ts';
import { verifyJobName } from './build-verify-job.ts';

export interface ObservedModelVersion {
  readonly version: DeepReadonly<ModelVersion>;
  readonly found: FoundStore;
  /** The verification that the version and its Store ask for now, by name; absent until it was made. */
  readonly verification: ObservedJob<VerifyModelResult>;
  /** Every Job of this version, older verifications included. */
  readonly jobs: readonly DeepReadonly<Job>[];
  /** Names of the InferenceServices that serve it or are asked to, sorted. */
  readonly users: readonly string[];
}

export function observeModelVersion(caches: Caches, version: DeepReadonly<ModelVersion>): ObservedModelVersion {
  const { namespace = '', uid = '' } = version.metadata;
  const found = findStore(caches, { namespace, name: version.spec.artifact.store.name, access: 'read' });
  const jobs = caches.jobs.byIndex('controller', uid);
  const name = found.store === undefined ? newestName(jobs) : verifyJobName(version, found.store);
  const verification = observeJob(
    caches,
    { namespace, name: name ?? '', ownerUid: uid },
    { result: VerifyModelResult },
  );
  return { version, found, verification, jobs, users: usersOf(caches, version) };
}

/** While the Store is away the last verification still holds: the bytes of a version never change. */
function newestName(jobs: readonly DeepReadonly<Job>[]): string | undefined {
  const sorted = [...jobs].sort((a, b) =>
    (a.metadata.creationTimestamp ?? '') < (b.metadata.creationTimestamp ?? '') ? -1 : 1,
  );
  return sorted.at(-1)?.metadata.name;
}

/**
 * A service uses a version while its spec names it, and while it has a Deployment of a revision of it (the old one of a
 * change). A service that is gone uses nothing, even if its Deployment is still there for a moment.
 */
function usersOf(caches: Caches, version: DeepReadonly<ModelVersion>): readonly string[] {
  const { namespace = '', name } = version.metadata;
  const key = indexKey(namespace, name);
  const asked = caches.inferenceServices
    .byIndex('modelVersion', key)
    .filter((service) => service.metadata.deletionTimestamp === undefined)
    .map((service) => service.metadata.name);
  const served = caches.deployments.byIndex('modelVersion', key).flatMap((deployment) => {
    const controller = controllerOf(deployment);
    if (controller?.kind !== 'InferenceService') return [];
    const service = caches.inferenceServices.get({ namespace, name: controller.name });
    return service?.metadata.uid === controller.uid ? [controller.name] : [];
  });
  return [...new Set([...asked, ...served])].sort();
}
