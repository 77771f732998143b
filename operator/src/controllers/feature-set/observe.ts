import type { FeatureSet } from '@slipway/crds';
import { MaterialiseResult } from '@slipway/crds/batch';
import type { DeepReadonly, Job } from '@slipway/kube';
import type { Caches } from '../../deps.ts';
import { findStore } from '../../jobs/find-store.ts';
import type { FoundStore } from '../../jobs/find-store.ts';
import { observeJob } from '../../jobs/observe-job.ts';
import type { ObservedJob } from '../../jobs/observe-job.ts';
import { materialiseJobName } from './build-materialise-job.ts';
import { definitionDigest } from './definition.ts';
import { newestMaterialization } from './materialization.ts';
import type { Materialization } from './materialization.ts';

export interface ObservedFeatureSet {
  readonly featureSet: DeepReadonly<FeatureSet>;
  readonly source: FoundStore;
  readonly output: FoundStore;
  readonly definition: string;
  /** The materialisation that the spec asks for now, by name; absent until it was started, or while a Store is missing. */
  readonly current: ObservedJob<MaterialiseResult>;
  /** The newest finished materialisation of this definition: the current one, or one with other checks or an earlier run. */
  readonly newest: Materialization | undefined;
  /** Every Job of this FeatureSet. */
  readonly jobs: readonly DeepReadonly<Job>[];
}

export type FeatureSetCaches = Pick<
  Caches,
  'stores' | 'claims' | 'jobs' | 'pods' | 'jobCreateFailures' | 'mountFailures'
>;

export function observeFeatureSet(caches: FeatureSetCaches, featureSet: DeepReadonly<FeatureSet>): ObservedFeatureSet {
  const { namespace = '', uid } = featureSet.metadata;
  const { spec } = featureSet;
  const source = findStore(caches, { namespace, name: spec.source.files.store.name, access: 'read' });
  const output = findStore(caches, { namespace, name: spec.store.name, access: 'write' });
  const definition = definitionDigest(spec);
  const jobs = uid === undefined ? [] : caches.jobs.byIndex('controller', uid);
  const name =
    source.store === undefined || output.store === undefined
      ? ''
      : materialiseJobName(featureSet, { source: source.store, output: output.store });
  const current = observeJob(caches, { namespace, name, ownerUid: uid }, { result: MaterialiseResult });
  return { featureSet, source, output, definition, current, newest: newestMaterialization(jobs, definition), jobs };
}
