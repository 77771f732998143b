/** Tensors of several requests as one, and back: the first dimension counts the rows. Pure. */
import { numericType } from '../protocol/datatypes.ts';
import type { NumericDatatype, Tensor, TensorData } from '../protocol/datatypes.ts';
import type { TensorSpec } from '../protocol/inference.ts';

/** Whether a model takes and gives any number of rows, as far as its signature says so. */
export function takesRows(inputs: readonly TensorSpec[], outputs: readonly TensorSpec[]): boolean {
  return inputs.length > 0 && [...inputs, ...outputs].every(({ shape }) => shape[0] === -1);
}

/** How many rows all tensors of a request have; undefined when they have different numbers of them. */
export function rowsOf(inputs: readonly Tensor[]): number | undefined {
  const rows = inputs[0]?.shape[0];
  return inputs.every(({ shape }) => shape[0] === rows) ? rows : undefined;
}

/** Makes room for so many elements. */
export type CreateData = (datatype: NumericDatatype, count: number) => Exclude<TensorData, readonly string[]>;

const inOwnMemory: CreateData = (datatype, count) => numericType(datatype).create(count);

/** Every request has the same tensors in the same order, which differ in nothing but rows and values. */
export function joinRows(requests: readonly (readonly Tensor[])[], create = inOwnMemory): Tensor[] {
  const [first = []] = requests;
  return first.map((tensor, index) => {
    const parts = requests.map((request) => request[index] ?? tensor);
    const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 0), 0);
    return { ...tensor, shape: [rows, ...tensor.shape.slice(1)], data: joined(parts, create) };
  });
}

function joined(parts: readonly Tensor[], create: CreateData): TensorData {
  const datatype = parts[0]?.datatype ?? 'BYTES';
  if (datatype === 'BYTES') return parts.flatMap(({ data }) => data as readonly string[]);
  const whole = create(
    datatype,
    parts.reduce((sum, { data }) => sum + data.length, 0),
  );
  let offset = 0;
  for (const { data } of parts) {
    whole.set(data as never, offset);
    offset += data.length;
  }
  return whole;
}

/** One list of tensors a request, as views; undefined when an output does not have as many rows as went in. */
export function splitRows(outputs: readonly Tensor[], rows: readonly number[]): Tensor[][] | undefined {
  const total = rows.reduce((sum, each) => sum + each, 0);
  if (outputs.some(({ shape }) => shape[0] !== total)) return undefined;
  let start = 0;
  return rows.map((count) => {
    const from = start;
    start += count;
    return outputs.map((output) => part(output, total, from, count));
  });
}

function part(output: Tensor, total: number, from: number, count: number): Tensor {
  const width = total === 0 ? 0 : output.data.length / total;
  const [begin, end] = [from * width, (from + count) * width];
  const data = ArrayBuffer.isView(output.data) ? output.data.subarray(begin, end) : output.data.slice(begin, end);
  return { ...output, shape: [count, ...output.shape.slice(1)], data };
}
