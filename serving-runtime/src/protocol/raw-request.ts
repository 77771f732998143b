/** A request whose whole body is the one input of the model (Triton's "raw binary request": `Inference-Header-Content-Length: 0`). */
import { isDatatype, numericType } from './datatypes.ts';
import type { Tensor } from './datatypes.ts';
import { decodedText } from './bytes-elements.ts';
import { invalid, quoted } from './errors.ts';
import type { TensorSpec } from './inference.ts';
import { decodeRawTensor } from './raw-tensor.ts';
import type { RestRequest } from './rest-request.ts';

/** The answer comes as bytes as well. */
export function parseRawRequest(body: Uint8Array, { inputs }: { readonly inputs: readonly TensorSpec[] }): RestRequest {
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) {
    throw invalid(
      `a body without JSON (Inference-Header-Content-Length: 0) needs a model with one input; this one has ${inputs.length}`,
    );
  }
  return {
    id: undefined,
    inputs: [rawTensor(input, body)],
    outputs: undefined,
    binaryOutputs: { byDefault: true, byName: new Map() },
    timeoutMs: undefined,
  };
}

function rawTensor({ name, datatype, shape: sizes }: TensorSpec, body: Uint8Array): Tensor {
  if (!isDatatype(datatype)) throw invalid(`input ${quoted(name)} has no datatype that is known`);
  if (datatype === 'BYTES') {
    // The one element is the body itself, without a length before it.
    return { name, datatype, shape: sizes.map(() => 1), data: [decodedText(name, body)] };
  }
  const shape = solved(name, sizes, body.length / numericType(datatype).bytes);
  const count = shape.reduce((product, size) => product * size, 1);
  return { name, datatype, shape, data: decodeRawTensor(name, { datatype, count }, body) };
}

/** The one size that is open follows from the number of elements; of two, the first is a single row. */
function solved(name: string, sizes: readonly number[], elements: number): number[] {
  const open = sizes.filter((size) => size < 0).length;
  const shape = open > 1 && sizes[0] === -1 ? [1, ...sizes.slice(1)] : [...sizes];
  const index = shape.indexOf(-1);
  if (index < 0) return shape;
  const known = shape.reduce((product, size) => (size < 0 ? product : product * size), 1);
  if (shape.filter((size) => size < 0).length > 1 || known === 0)
    throw invalid(`input ${quoted(name)} has more than one dimension of any size; send its shape in JSON`);
  shape[index] = elements / known;
  if (!Number.isInteger(shape[index]))
    throw invalid(`the body does not fill the shape [${sizes.join(', ')}] of input ${quoted(name)}`);
  return shape;
}
