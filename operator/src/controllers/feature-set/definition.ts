import type { FeatureSetSpec } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { shortHash } from '../../names.ts';

/**
 * Identity of what a FeatureSet computes: sha256 in 64 hexadecimal digits over entities, source, transform, time and features.
 * Descriptions are for people, `ttl` is used by joins only, and checks judge the rows: none of them is part of it.
 */
export function definitionDigest(spec: DeepReadonly<FeatureSetSpec>): string {
  const { entities, source, transform, time } = spec;
  const features = spec.features.map(({ name, type, window }) => ({ name, type, window }));
  return shortHash({ entities, source, transform, time, features }, 64);
}

/**
 * The folder of a materialisation in its Store. Checks can set values to null and can refuse rows, so a finished folder holds
 * for its checks only: with other checks the same definition and run get another folder.
 */
export function materializationPath(name: string, spec: DeepReadonly<FeatureSetSpec>): string {
  const suffix = spec.checks.length === 0 ? '' : `-${shortHash(spec.checks, 6)}`;
  return `features/${name}/${definitionDigest(spec).slice(0, 16)}/${spec.run}${suffix}`;
}
