/** What makes two trainings the same, what makes them another run, and what only makes them another attempt. */
import type { DatasetVersion, TrainingJobSpec } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { CodeFiles } from '../../code-files.ts';
import { digestOf, shortHash } from '../../names.ts';

export interface Identity {
  /**
   * Digest (64 hexadecimal digits) of what a person wrote that decides which model comes out, `Latest` as it stands. It answers
   * "was this asked before?": a Dataset that gets a new version must not start the training of a finished job again.
   */
  readonly spec: string;
  /** Digest of the mounted files, `none` without `code`; undefined while the ConfigMap is missing. */
  readonly code: string | undefined;
  /** Digest of what a pod needs to run but no model depends on. A change starts a new attempt only where the last one is stuck or failed. */
  readonly template: string;
}

export function identityOf(spec: DeepReadonly<TrainingJobSpec>, code: DeepReadonly<CodeFiles> | undefined): Identity {
  const { dataset, resources, serviceAccountName, imagePullSecrets, limits } = spec;
  return {
    spec: shortHash({ ...recipeOf(spec), dataset }, 64),
    code: spec.code === undefined ? 'none' : code?.digest,
    template: shortHash({ resources, serviceAccountName, imagePullSecrets, limits }, 16),
  };
}

/** Identity of a run: the digest of inputs, template and parameters, with what `Latest` meant when it began. */
export function runDigest(
  spec: DeepReadonly<TrainingJobSpec>,
  code: string,
  { metadata: { name }, spec: { artifact } }: DeepReadonly<DatasetVersion>,
): string {
  return digestOf({ ...recipeOf(spec), datasetVersion: { name, digest: artifact.digest }, code });
}

function recipeOf(spec: DeepReadonly<TrainingJobSpec>) {
  const { image, command, args, env, parameters, framework, nodes, output, run } = spec;
  return { image, command, args, env, parameters, framework, nodes, output, run };
}

/** Only a reference by digest means the same bytes tomorrow. */
export function isPinned(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image);
}
