/**
 * Which columns of a dataset become which inputs of a model. A model with one input of the shape [-1, n] gets a matrix: the columns
 * that its metadata names (`features`), or else the request columns and the features that are numbers, in the order of
 * `schema.json`, which is how a trainer finds them. Inputs of the shape [-1] or [-1, 1] get the columns of their names.
 */
import type { TensorSpec } from '@slipway/crds';
import type { SchemaColumn } from '../dataset/schema.ts';
import { BatchError } from '../failure.ts';
import { readFor } from './elements.ts';
import type { ColumnRead } from './elements.ts';
import type { ModelHints } from './model-hints.ts';

export interface InputPlan {
  readonly input: string;
  readonly dtype: TensorSpec['dtype'];
  readonly reads: readonly ColumnRead[];
  /** A list has the shape [rows], a matrix [rows, columns]. */
  readonly rank: 1 | 2;
}

export interface InputsOfModel {
  readonly model: string;
  readonly inputs: readonly TensorSpec[];
  readonly hints: ModelHints;
}

type Columns = readonly SchemaColumn[];

/** @throws {BatchError} SignatureMismatch, TypeMismatch */
export function planInputs({ model, inputs, hints }: InputsOfModel, columns: Columns): InputPlan[] {
  const given = columns.filter(({ role }) => role !== 'label' && role !== 'time');
  const [only, second] = inputs;
  if (only === undefined) throw mismatch(`The model ${model} has no input; nothing can be scored with it`);
  const isNamed = given.some(({ name }) => name === only.name) && isColumn(only);
  if (second === undefined && !isNamed && only.shape.length === 2) return [planMatrix(model, only, { given, hints })];
  return inputs.map((input) => planColumn(model, input, given));
}

function planMatrix(model: string, input: TensorSpec, source: { given: Columns; hints: ModelHints }): InputPlan {
  const { name, dtype, shape } = input;
  const [rows, width] = shape;
  const columns = matrixColumns(model, source);
  if (rows !== -1 || (width !== -1 && width !== columns.length)) {
    throw mismatch(
      `The input ${shown(input)} of the model ${model} does not fit the dataset: it should be [-1, ${columns.length}] for the columns ${names(columns)}`,
    );
  }
  return { input: name, dtype, rank: 2, reads: columns.map((column) => readFor(model, input, column)) };
}

function matrixColumns(model: string, { given, hints }: { given: Columns; hints: ModelHints }): Columns {
  if (hints.features === undefined) {
    return given.filter(({ role, type }) => (role === 'request' || role === 'feature') && isNumber(type));
  }
  return hints.features.map((name) => {
    const column = given.find((candidate) => candidate.name === name);
    if (column !== undefined) return column;
    throw mismatch(
      `The model ${model} says in its metadata (features) that it takes the column "${name}"; the dataset has: ${names(given)}`,
    );
  });
}

function planColumn(model: string, input: TensorSpec, given: Columns): InputPlan {
  const column = given.find(({ name }) => name === input.name);
  if (!isColumn(input) || column === undefined) {
    throw mismatch(
      `The input ${shown(input)} of the model ${model} does not fit the dataset: expected is one input [-1, n], or inputs [-1] and [-1, 1] that are called as its columns: ${names(given)}`,
    );
  }
  return {
    input: input.name,
    dtype: input.dtype,
    rank: input.shape.length === 1 ? 1 : 2,
    reads: [readFor(model, input, column)],
  };
}

function isColumn({ shape: [rows, width = 1, ...others] }: TensorSpec): boolean {
  return rows === -1 && width === 1 && others.length === 0;
}

function isNumber(type: string): boolean {
  return /INT|FLOAT|DOUBLE|DECIMAL|BOOLEAN/.test(type);
}

function names(columns: Columns): string {
  return columns.map(({ name }) => name).join(', ') || '(none)';
}

function shown({ name, dtype, shape }: TensorSpec): string {
  return `"${name}" (${dtype}, [${shape.join(', ')}])`;
}

function mismatch(message: string): BatchError {
  return new BatchError('SignatureMismatch', message);
}
