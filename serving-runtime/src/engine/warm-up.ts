import { numericType } from '../protocol/datatypes.ts';
import type { Datatype, Tensor } from '../protocol/datatypes.ts';
import type { TensorSpec } from '../protocol/inference.ts';

/** Zeros, or empty strings, for every input, with every dimension of any size being 1. */
export function warmUpInputs(inputs: readonly TensorSpec[]): Tensor[] {
  return inputs.map(({ name, datatype, shape }) => {
    const sizes = shape.map((size) => (size < 0 ? 1 : size));
    const count = sizes.reduce((product, size) => product * size, 1);
    const type = datatype as Datatype;
    const data = type === 'BYTES' ? Array.from({ length: count }, () => '') : numericType(type).create(count);
    return { name, datatype: type, shape: sizes, data };
  });
}
