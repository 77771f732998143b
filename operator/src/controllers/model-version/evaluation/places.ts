/** How many versions of a Model are evaluated at a time. */
import type { ModelVersion } from '@slipway/crds';
import { keyToString } from '@slipway/kube';
import type { Clock, DeepReadonly, Job, ObjectKey } from '@slipway/kube';
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

/** A Job that no cache shows by then was deleted again, or its Model was; a cache that is so far behind costs no more than a few Jobs too many. */
const FORGOTTEN_AFTER_MS = 60_000;

interface Made {
  /** As text, like that of the Job. */
  readonly model: string;
  readonly job: string;
  readonly key: ObjectKey;
  readonly at: Date;
}

interface PlacesDeps {
  readonly caches: Pick<Caches, 'jobs'>;
  readonly clock: Pick<Clock, 'now'>;
}

export function createPlaces({ caches, clock }: PlacesDeps): Places {
  let made: readonly Made[] = [];
  const isUnseen = ({ key, at }: Made, now: Date) =>
    caches.jobs.get(key) === undefined && now.getTime() - at.getTime() < FORGOTTEN_AFTER_MS;
  return {
    take: (model, key, atWork) => {
      const at = clock.now();
      made = made.filter((one) => isUnseen(one, at));
      const mine = { model: keyToString(model), job: keyToString(key), key, at };
      if (made.some(({ job }) => job === mine.job)) return () => undefined;
      const others = made.filter((one) => one.model === mine.model).length;
      if (others + atWork >= MAX_AT_WORK) return undefined;
      made = [...made, mine];
      return () => void (made = made.filter((one) => one !== mine));
    },
  };
}
