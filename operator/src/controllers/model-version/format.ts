import type { ModelVersion } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';

/** The formats that we open: whose signature we read, that we evaluate, and that our own model server serves. */
export const OUR_FORMATS: readonly string[] = ['Onnx'];

/** What a version of another format takes and gives, only its own runtime knows. */
export function isOpened({ spec }: DeepReadonly<ModelVersion>): boolean {
  return OUR_FORMATS.includes(spec.artifact.format);
}
