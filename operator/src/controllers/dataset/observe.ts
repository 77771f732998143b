import type { Dataset, DatasetVersion, FeatureSet } from '@slipway/crds';
import { BuildDatasetResult } from '@slipway/crds/batch';
import type { DeepReadonly, Job, KubeClient } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { Caches } from '../../deps.ts';
import { findStore } from '../../jobs/find-store.ts';
import type { FoundStore } from '../../jobs/find-store.ts';
import { observeJob } from '../../jobs/observe-job.ts';
import type { ObservedJob } from '../../jobs/observe-job.ts';
import { kinds } from '../../kinds.ts';
import { findPublished } from '../../versions/find-published.ts';
import { publishedName } from '../../versions/publish-version.ts';
import { usableMaterialization } from '../feature-set/checks.ts';
import type { Usable } from '../feature-set/checks.ts';
import { observeFeatureSet } from '../feature-set/observe.ts';
import { buildJobName, buildOf } from './build-dataset-job.ts';
import { resolveInputs } from './inputs.ts';
import type { ResolvedInputs } from './inputs.ts';
import { recipeDigest } from './recipe.ts';

/** A FeatureSet that the Dataset joins, in the order of its spec. */
export interface ObservedFeature {
  readonly name: string;
  readonly select: readonly string[] | undefined;
  readonly featureSet: DeepReadonly<FeatureSet> | undefined;
  readonly usable: Usable | undefined;
  /** The Store that holds the usable materialisation. */
  readonly store: FoundStore | undefined;
}

export interface ObservedDataset {
  readonly dataset: DeepReadonly<Dataset>;
  readonly recipe: string;
  readonly inputs: ResolvedInputs;
  readonly features: readonly ObservedFeature[];
  /** Every version that a Dataset of this name has made. */
  readonly versions: readonly DeepReadonly<DatasetVersion>[];
  /** The one of this recipe. */
  readonly version: DeepReadonly<DatasetVersion> | undefined;
  /** The name of the version that was made of this recipe and is gone: a person deleted it. */
  readonly deletedVersion: string | undefined;
  /** The build that recipe and inputs ask for; absent until it was started, or while an input is missing. */
  readonly current: ObservedJob<BuildDatasetResult>;
  readonly jobs: readonly DeepReadonly<Job>[];
}

export async function observeDataset(
  { caches, client }: { readonly caches: Caches; readonly client: Pick<KubeClient, 'get'> },
  dataset: DeepReadonly<Dataset>,
): Promise<ObservedDataset> {
  const { namespace = '', name, uid } = dataset.metadata;
  const { spec } = dataset;
  const recipe = recipeDigest(spec);
  const jobs = uid === undefined ? [] : caches.jobs.byIndex('controller', uid);
  const versions = caches.datasetVersions.byIndex('dataset', indexKey(namespace, name));
  const marked = publishedName(jobs.find((job) => buildOf(job)?.recipe === recipe && publishedName(job) !== undefined));
  const cached = versionOfRecipe(versions, recipe);
  const version =
    marked === undefined
      ? cached
      : await findPublished(client, kinds.DatasetVersion, { namespace, name: marked }, cached);
  const features = spec.features.map((feature) => observeFeature(caches, namespace, feature));
  const rows = findStore(caches, { namespace, name: spec.rows.files.store.name, access: 'read' });
  const output = findStore(caches, { namespace, name: spec.store.name, access: 'write' });
  const inputs = resolveInputs({ dataset, rows, output, features });
  const jobName = inputs.ready === undefined ? '' : buildJobName(dataset, inputs.ready);
  const current = observeJob(caches, { namespace, name: jobName, ownerUid: uid }, { result: BuildDatasetResult });
  const deletedVersion = version === undefined ? marked : undefined;
  return { dataset, recipe, inputs, features, versions, version, deletedVersion, current, jobs };
}

/** By recipe and not by producer: a Dataset that is created again finds what its namesake made. */
export function versionOfRecipe(
  versions: readonly DeepReadonly<DatasetVersion>[],
  recipe: string,
): DeepReadonly<DatasetVersion> | undefined {
  const found = versions.filter(
    (version) => version.spec.recipe === recipe && version.metadata.deletionTimestamp === undefined,
  );
  return found.sort((a, b) => b.spec.number - a.spec.number)[0];
}

function observeFeature(
  caches: Caches,
  namespace: string,
  { featureSet: { name }, select }: DeepReadonly<Dataset>['spec']['features'][number],
): ObservedFeature {
  const featureSet = caches.featureSets.get({ namespace, name });
  const usable = featureSet === undefined ? undefined : usableMaterialization(observeFeatureSet(caches, featureSet));
  const made = usable?.materialization;
  const store = made === undefined ? undefined : findStore(caches, { namespace, name: made.store, access: 'read' });
  return { name, select, featureSet, usable, store };
}
