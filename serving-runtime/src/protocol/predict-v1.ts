/**
 * KServe's protocol v1, which is TensorFlow Serving's: `{"instances": [row, …]}`, a row being the value of the only input or an
 * object with one value an input; or `{"inputs": …}` with the columns instead. Answers have a row an instance
 * (https://kserve.github.io/website/docs/concepts/architecture/data-plane/v1-protocol).
 */
import { isDatatype } from './datatypes.ts';
import type { Tensor } from './datatypes.ts';
import { invalid, quoted } from './errors.ts';
import type { InferenceRequest, InferenceResponse, TensorSpec } from './inference.ts';
import { flat, objectOf, parseJson } from './json-body.ts';
import { tensorOfValues, valuesOf } from './typed-values.ts';

export function parsePredictRequest(
  body: Uint8Array,
  { inputs }: { readonly inputs: readonly TensorSpec[] },
): InferenceRequest {
  const { instances, inputs: columns } = parseJson(body);
  if ((instances === undefined) === (columns === undefined))
    throw invalid('give "instances" (rows) or "inputs" (columns)');
  const valueOf = instances === undefined ? columnsOf(inputs, columns) : rowsOf(inputs, instances);
  return { id: undefined, inputs: inputs.map((spec) => tensor(spec, valueOf(spec.name))), outputs: undefined };
}

type ValueOf = (input: string) => unknown;

function columnsOf(inputs: readonly TensorSpec[], columns: unknown): ValueOf {
  if (inputs.length === 1 && Array.isArray(columns)) return () => columns;
  const byName = objectOf(columns, '"inputs"');
  return (input) => byName[input];
}

function rowsOf(inputs: readonly TensorSpec[], instances: unknown): ValueOf {
  if (!Array.isArray(instances)) throw invalid('"instances" must be a list of rows');
  const isNamed = (row: unknown) => typeof row === 'object' && row !== null && !Array.isArray(row);
  if (inputs.length === 1 && !instances.some(isNamed)) return () => instances;
  return (input) => instances.map((row) => objectOf(row, 'every row of "instances"')[input]);
}

function tensor({ name, datatype, shape: sizes }: TensorSpec, value: unknown): Tensor {
  if (!isDatatype(datatype)) throw invalid(`input ${quoted(name)} has no datatype that is known`);
  if (!Array.isArray(value) || value.includes(undefined)) throw invalid(`input ${quoted(name)} is missing`);
  const shape = shapeOf(value);
  // A column of single values is a matrix with one column where the model wants one.
  if (shape.length === 1 && sizes.length === 2 && sizes[1] === 1) shape.push(1);
  const count = shape.reduce((product, size) => product * size, 1);
  return {
    name,
    datatype,
    shape,
    data: tensorOfValues(name, { datatype, count, isJson: true }, flat(value, count + 1)),
  };
}

/** Of the first elements; that the others are as long shows when they are counted. */
function shapeOf(value: readonly unknown[]): number[] {
  const shape: number[] = [];
  for (let level: unknown = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  return shape;
}

export function buildPredictResponse({ outputs }: InferenceResponse): { readonly predictions: readonly unknown[] } {
  const columns = outputs.map((output) => [output.name, rows(output)] as const);
  const [first] = columns;
  if (columns.length === 1 && first !== undefined) return { predictions: first[1] };
  const length = Math.max(0, ...columns.map(([, column]) => column.length));
  const row = (index: number) => Object.fromEntries(columns.map(([name, column]) => [name, column[index]]));
  return { predictions: Array.from({ length }, (_, index) => row(index)) };
}

/** The values of a tensor as nested lists. */
function rows({ datatype, shape, data }: Tensor): unknown[] {
  const values = valuesOf(datatype, data);
  return shape
    .slice(1)
    .toReversed()
    .reduce<unknown[]>(
      (level, size) =>
        Array.from({ length: size === 0 ? 0 : level.length / size }, (_, index) =>
          level.slice(index * size, (index + 1) * size),
        ),
      values,
    );
}
