import type { DatasetSpec } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { shortHash } from '../../names.ts';

/**
 * Identity of what a Dataset asks for: sha256 in 64 hexadecimal digits over rows, features by name, split and run. There is at
 * most one DatasetVersion of it. What the FeatureSets compute is pinned by each build and is not part of it: a FeatureSet that
 * changes makes no new version by itself.
 */
export function recipeDigest({ rows, features, split, run }: DeepReadonly<DatasetSpec>): string {
  const joined = features.map(({ featureSet, select }) => ({ name: featureSet.name, select }));
  return shortHash({ rows, features: joined, split, run }, 64);
}
