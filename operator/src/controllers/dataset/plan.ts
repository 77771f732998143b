import type { DatasetVersion } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { DeepReadonly, Job, LiveObject } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { isReplacedForResources } from '../../jobs/replaced-for-resources.ts';
import { isFinished, supersededJobs } from '../../jobs/superseded-jobs.ts';
import { kinds } from '../../kinds.ts';
import type { VersionRequest } from '../../versions/publish-version.ts';
import { buildDatasetJob, buildOf } from './build-dataset-job.ts';
import { buildDatasetVersion, isVersionOf } from './build-dataset-version.ts';
import type { ObservedDataset } from './observe.ts';
import { datasetState } from './state.ts';

export interface DatasetPlan {
  readonly create: Job | undefined;
  /** A version that has to be made of the result of a build. */
  readonly publish: VersionRequest<DatasetVersion> | undefined;
  readonly prune: readonly LiveObject[];
}

/** What to write, from what was seen. Whether an older build still runs, or is stuck, never delays a new one. */
export function planDataset(observed: ObservedDataset, config: WorkloadConfig): DatasetPlan {
  const { dataset, inputs, current, jobs, recipe } = observed;
  const nothing = { create: undefined, publish: undefined, prune: [] };
  const isOfRecipe = (job: DeepReadonly<Job>) => buildOf(job)?.recipe === recipe;
  const state = datasetState(observed);
  switch (state.phase) {
    case 'built':
    case 'deleted':
      return { ...nothing, prune: supersededJobs(jobs, { name: '', succeeded: true }, isOfRecipe) };
    case 'blocked':
      return { ...nothing, prune: unfinishedOfOtherRecipes(observed) };
    case 'building':
    case 'publishing':
    case 'failed': {
      if (current.job !== undefined && isReplacedForResources(current, dataset.spec.resources)) {
        return { ...nothing, prune: [{ kind: builtin.Job, object: current.job }] };
      }
      const create =
        current.job === undefined && inputs.ready !== undefined
          ? buildDatasetJob(dataset, inputs.ready, config)
          : undefined;
      const name = current.job?.metadata.name ?? create?.metadata.name ?? '';
      const publish = state.phase === 'publishing' ? versionRequest(observed, state) : undefined;
      return { create, publish, prune: supersededJobs(jobs, { name, succeeded: false }) };
    }
  }
}

function unfinishedOfOtherRecipes({ jobs, recipe }: ObservedDataset): LiveObject[] {
  return jobs
    .filter((job) => !isFinished(job) && buildOf(job)?.recipe !== recipe)
    .map((object) => ({ kind: builtin.Job, object }));
}

function versionRequest(
  observed: ObservedDataset,
  {
    job,
    result,
  }: { readonly job: DeepReadonly<Job>; readonly result: Parameters<typeof buildDatasetVersion>[0]['result'] },
): VersionRequest<DatasetVersion> | undefined {
  const { dataset, inputs, versions } = observed;
  const build = buildOf(job);
  if (build === undefined || inputs.ready === undefined) return undefined;
  const store = inputs.ready.output;
  const { namespace = '', name } = dataset.metadata;
  return {
    parent: { kind: kinds.Dataset, key: { namespace, name } },
    job,
    kind: kinds.DatasetVersion,
    usedNumbers: versions.map((version) => version.spec.number),
    build: (number) => buildDatasetVersion({ dataset, store, build, result }, number),
    isSame: (existing) => isVersionOf(existing, { recipe: build.recipe, digest: result.digest }),
  };
}
