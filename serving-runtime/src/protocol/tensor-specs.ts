import type { Tensor } from './datatypes.ts';
import type { TensorSpec } from './inference.ts';

/** What is wrong with a tensor by its spec, to go behind its name; undefined where nothing is. */
export function mismatch(spec: TensorSpec, { datatype, shape }: Tensor): string | undefined {
  if (datatype !== spec.datatype) return `must be ${spec.datatype}, not ${datatype}`;
  const fits = shape.length === spec.shape.length && spec.shape.every((size, axis) => size < 0 || size === shape[axis]);
  return fits ? undefined : `must have the shape [${spec.shape.join(', ')}] (-1: any), not [${shape.join(', ')}]`;
}
