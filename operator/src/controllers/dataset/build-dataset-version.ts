import { groupVersion } from '@slipway/crds';
import type { Dataset, DatasetVersion, Store } from '@slipway/crds';
import type { BuildDatasetResult } from '@slipway/crds/batch';
import type { DeepReadonly } from '@slipway/kube';
import { resultPath } from '../../jobs/result-path.ts';
import { producedLabels, RECIPE_LABEL } from '../../labels.ts';
import { versionName } from '../../versions/version-name.ts';
import type { Build } from './build-dataset-job.ts';

interface VersionInput {
  readonly dataset: DeepReadonly<Dataset>;
  /** The Store that the Job wrote to. */
  readonly store: DeepReadonly<Store>;
  readonly build: Build;
  readonly result: BuildDatasetResult;
}

/** The record of a build. It has no owner: it outlives its Dataset. */
export function buildDatasetVersion({ dataset, store, build, result }: VersionInput, number: number): DatasetVersion {
  const { name, namespace = '', uid = '' } = dataset.metadata;
  const { digest, bytes, rows, dropped } = result;
  return {
    apiVersion: groupVersion,
    kind: 'DatasetVersion',
    metadata: {
      name: versionName(name, number, digest),
      namespace,
      labels: { ...producedLabels({ uid }), [RECIPE_LABEL]: build.recipe.slice(0, 16), 'slipway.dev/dataset': name },
    },
    spec: {
      dataset: { name },
      number,
      recipe: build.recipe,
      artifact: { store: { name: store.metadata.name }, path: resultPath(store, result.path), digest, bytes },
      rows,
      dropped,
      features: build.features,
    },
  };
}

export function isVersionOf(
  { spec }: DatasetVersion,
  { recipe, digest }: { readonly recipe: string; readonly digest: string },
): boolean {
  return spec.recipe === recipe && spec.artifact.digest === digest;
}
