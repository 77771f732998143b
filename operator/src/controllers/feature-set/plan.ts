import { builtin } from '@slipway/kube';
import type { DeepReadonly, Job, LiveObject } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { isReplacedForResources } from '../../jobs/replaced-for-resources.ts';
import { supersededJobs } from '../../jobs/superseded-jobs.ts';
import { buildMaterialiseJob, materialiseJobName } from './build-materialise-job.ts';
import { askedOf } from './materialization.ts';
import type { ObservedFeatureSet } from './observe.ts';

export interface FeatureSetPlan {
  /** A Job that has to be made. */
  readonly create: Job | undefined;
  readonly prune: readonly LiveObject[];
}

/** What to write, from what was seen. Whether an older materialisation still runs, or is stuck, never delays a new one. */
export function planFeatureSet(observed: ObservedFeatureSet, config: WorkloadConfig): FeatureSetPlan {
  const { featureSet, source, output, current, definition, jobs } = observed;
  if (source.store === undefined || output.store === undefined) return { create: undefined, prune: [] };
  const stores = { source: source.store, output: output.store };
  // A Job cannot be changed: the one with other resources is made when this one is gone.
  if (isReplacedForResources(current, featureSet.spec.resources)) {
    return { create: undefined, prune: current.job === undefined ? [] : [{ kind: builtin.Job, object: current.job }] };
  }
  const create = current.job === undefined ? buildMaterialiseJob(featureSet, stores, config) : undefined;
  const name = materialiseJobName(featureSet, stores);
  const isOfDefinition = (job: DeepReadonly<Job>) => askedOf(job)?.definition === definition;
  const prune = supersededJobs(jobs, { name, succeeded: current.outcome.state === 'succeeded' }, isOfDefinition);
  return { create, prune };
}
