import type { DatasetVersion } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { DeepReadonly, Job, LiveObject } from '@slipway/kube';
import type { WorkloadConfig } from '../../deps.ts';
import { isReplacedForResources } from '../../jobs/replaced-for-resources.ts';
import { isFinished, supersededJobs } from '../../jobs/superseded-jobs.ts';
import { kinds } from '../../kinds.ts';
import { publishedName, reservedNumber } from '../../versions/publish-version.ts';
import type { VersionRequest } from '../../versions/publish-version.ts';
import { buildDatasetJob, buildOf } from './build-dataset-job.ts';
import { buildDatasetVersion, isVersionOf } from './build-dataset-version.ts';
import type { ObservedDataset } from './observe.ts';
import { datasetState } from './state.ts';

export interface DatasetPlan {
  readonly create: Job | undefined;
  /** A version that has to be made of the result of a build. */
  readonly publish: VersionRequest<DatasetVersion> | undefined;
  /** A Job whose version is there, but which does not say so. */
  readonly unnamed: { readonly job: DeepReadonly<Job>; readonly version: string } | undefined;
  readonly prune: readonly LiveObject[];
}

const NOTHING = { create: undefined, publish: undefined, prune: [] };

/** What to write, from what was seen. Whether an older build still runs, or is stuck, never delays a new one. */
export function planDataset(observed: ObservedDataset, config: WorkloadConfig): DatasetPlan {
  const state = datasetState(observed);
  const plan = { ...NOTHING, unnamed: unnamedJob(observed) };
  if (state.phase === 'built' || state.phase === 'deleted') return { ...plan, prune: supersededByVersion(observed) };
  if (state.phase === 'blocked') return { ...plan, prune: unfinishedOfOtherRecipes(observed) };
  const publish = state.phase === 'publishing' ? versionRequest(observed, state) : undefined;
  return { ...plan, ...planBuild(observed, config), publish };
}

/**
 * An operator that died right after it had made a version left its Job like this. Unnamed, the version would come back when a
 * person deletes it. Whatever the recipe is now: the Job counts again when somebody goes back to its own.
 */
function unnamedJob({ jobs, versions }: ObservedDataset): DatasetPlan['unnamed'] {
  for (const job of jobs) {
    if (publishedName(job) !== undefined) continue;
    const [recipe, number] = [buildOf(job)?.recipe, reservedNumber(job)];
    const version = versions.find(({ spec }) => spec.recipe === recipe && spec.number === number);
    if (version !== undefined) return { job, version: version.metadata.name };
  }
  return undefined;
}

function supersededByVersion({ jobs, recipe }: ObservedDataset): LiveObject[] {
  return supersededJobs(jobs, { name: '', succeeded: true }, (job) => buildOf(job)?.recipe === recipe);
}

function planBuild(
  { dataset, inputs, current, jobs }: ObservedDataset,
  config: WorkloadConfig,
): Pick<DatasetPlan, 'create' | 'prune'> {
  const { job } = current;
  if (job !== undefined) {
    // A Job cannot be changed: the one with other resources is made when this one is gone.
    if (isReplacedForResources(current, dataset.spec.resources)) {
      return { create: undefined, prune: [{ kind: builtin.Job, object: job }] };
    }
    return { create: undefined, prune: supersededJobs(jobs, { name: job.metadata.name, succeeded: false }) };
  }
  if (inputs.ready === undefined) return { create: undefined, prune: [] };
  const create = buildDatasetJob(dataset, inputs.ready, config);
  return { create, prune: supersededJobs(jobs, { name: create.metadata.name, succeeded: false }) };
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
