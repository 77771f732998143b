import { isDatatype, numericType } from '../protocol/datatypes.ts';
import type { Datatype, Tensor } from '../protocol/datatypes.ts';
import { ElementBudget } from '../protocol/element-budget.ts';
import type { TensorSpec } from '../protocol/inference.ts';
import { tensorOfValues } from '../protocol/typed-values.ts';
import { InstanceLost, ModelLoadError } from './model-instance.ts';
import type { ModelInstance } from './model-instance.ts';
import type { WarmUpRequest } from './settings.ts';

/**
 * Lets an instance answer the given requests, or one of zeros.
 *
 * @throws {ModelLoadError} when it cannot answer one that was given, or does not live through it.
 */
export async function warmUp(instance: ModelInstance, given: readonly WarmUpRequest[]): Promise<void> {
  const outputs = instance.signature.outputs.map(({ name }) => name);
  const requests =
    given.length === 0 ? [zeros(instance.signature.inputs)] : given.map((each) => tensorsOf(instance, each));
  for (const inputs of requests) {
    try {
      await instance.run([inputs], outputs);
    } catch (cause) {
      if (cause instanceof InstanceLost)
        throw new ModelLoadError('it did not live through a warm-up request', cause.message);
      // Zeros need not mean anything to a model: that it failed on them is no reason not to serve it.
      if (given.length > 0)
        throw new ModelLoadError('it could not answer a warm-up request of its settings', String(cause));
    }
  }
}

/** Zeros, or empty strings, for every input, with every dimension of any size being 1. */
function zeros(inputs: readonly TensorSpec[]): Tensor[] {
  return inputs.map(({ name, datatype, shape }) => {
    const sizes = shape.map((size) => (size < 0 ? 1 : size));
    const count = sizes.reduce((product, size) => product * size, 1);
    const type = datatype as Datatype;
    const data = type === 'BYTES' ? Array.from({ length: count }, () => '') : numericType(type).create(count);
    return { name, datatype: type, shape: sizes, data };
  });
}

function tensorsOf({ signature }: ModelInstance, request: WarmUpRequest): Tensor[] {
  const budget = new ElementBudget();
  return signature.inputs.map(({ name, datatype }) => {
    const given = request[name];
    if (given === undefined || !isDatatype(datatype)) {
      throw new ModelLoadError(`a warm-up request of its settings has no input "${name}"`, '');
    }
    try {
      const count = budget.take(name, datatype, given.shape);
      const data = tensorOfValues(name, { datatype, count }, given.data);
      return { name, datatype, shape: given.shape, data };
    } catch (cause) {
      throw new ModelLoadError(`a warm-up request of its settings is wrong: ${(cause as Error).message}`, '');
    }
  });
}
