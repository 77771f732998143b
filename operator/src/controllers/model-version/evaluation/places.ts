/** How many versions of a Model are evaluated at a time. */
import type { ModelVersion } from '@slipway/crds';
import { keyToString } from '@slipway/kube';
import type { DeepReadonly, Job, ObjectKey } from '@slipway/kube';
import { indexKey } from '../../../caches.ts';
import { findCondition } from '../../../conditions.ts';
import type { Caches } from '../../../deps.ts';
import { isFinished } from '../../../jobs/superseded-jobs.ts';
import { isEvaluation } from './build-job.ts';

/** Many versions may come at once, or have to be measured anew: their Jobs must not fill the namespace. */
export const MAX_AT_WORK = 3;

/** How many Jobs evaluate other versions of the Model. */
export function othersAtWork(
  caches: Pick<Caches, 'modelVersions' | 'jobs'>,
  version: DeepReadonly<ModelVersion>,
): number {
  return siblingsOf(caches, version)
    .filter(({ metadata }) => metadata.uid !== version.metadata.uid)
    .flatMap(({ metadata }) => caches.jobs.byIndex('controller', metadata.uid ?? ''))
    .filter((job) => isEvaluation(job) && !isFinished(job)).length;
}

/** Those that may wait for this Job to end. */
export function waitingFor(
  caches: Pick<Caches, 'modelVersions'>,
  version: DeepReadonly<ModelVersion> | undefined,
  job: DeepReadonly<Job>,
): readonly DeepReadonly<ModelVersion>[] {
  if (version === undefined || !isEvaluation(job)) return [];
  return siblingsOf(caches, version).filter((other) => findCondition(other, 'Evaluated')?.status === 'Unknown');
}

function siblingsOf(
  { modelVersions }: Pick<Caches, 'modelVersions'>,
  { metadata, spec }: DeepReadonly<ModelVersion>,
): readonly DeepReadonly<ModelVersion>[] {
  return spec.model === undefined ? [] : modelVersions.byIndex('model', indexKey(metadata.namespace, spec.model.name));
}

/** Remembers Jobs that were made so recently that the caches may not have them: several versions are looked at at the same time. */
export interface Places {
  /** Takes a place for a Job, if there is one; what it returns gives the place back, for a Job that was not made. */
  take(model: ObjectKey, job: ObjectKey, atWork: number): (() => void) | undefined;
}

export function createPlaces({ jobs }: Pick<Caches, 'jobs'>): Places {
  const made = new Map<string, readonly ObjectKey[]>();
  const unseen = (model: string) => (made.get(model) ?? []).filter((job) => jobs.get(job) === undefined);
  return {
    take: (model, job, atWork) => {
      const key = keyToString(model);
      const others = unseen(key).filter(({ name }) => name !== job.name);
      const isTaken = others.length < unseen(key).length;
      if (isTaken) return () => undefined;
      const hasPlace = others.length + atWork < MAX_AT_WORK;
      made.set(key, hasPlace ? [...others, job] : others);
      if (!hasPlace) return undefined;
      return () =>
        void made.set(
          key,
          unseen(key).filter(({ name }) => name !== job.name),
        );
    },
  };
}
