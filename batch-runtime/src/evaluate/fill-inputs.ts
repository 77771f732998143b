import type { TensorSpec } from '@slipway/crds';
import { BatchError } from '../failure.ts';
import { createElements, elementOf } from './elements.ts';
import type { ColumnRead, Elements } from './elements.ts';
import type { InputPlan } from './plan-inputs.ts';

/** One input of a run, as a tensor is made of it. */
export interface FilledInput {
  readonly name: string;
  readonly dtype: TensorSpec['dtype'];
  readonly dims: readonly number[];
  readonly data: Elements;
}

/** Some rows of a split, and where they lie in it. */
export interface RowBatch {
  readonly firstRow: number;
  readonly rows: number;
  readonly valuesOf: (read: ColumnRead) => readonly unknown[];
}

/** @param model its name, for what is said. @throws {BatchError} TypeMismatch for a value that an input cannot have. */
export function fillInputs(
  { model, inputs, missing }: { model: string; inputs: readonly InputPlan[]; missing: number },
  batch: RowBatch,
): FilledInput[] {
  return inputs.map((plan) => {
    const { input, dtype, rank, reads } = plan;
    const data = createElements(dtype, batch.rows * reads.length);
    for (const [place, read] of reads.entries()) {
      for (const [row, value] of batch.valuesOf(read).entries()) {
        const element = elementOf(dtype, value, missing);
        if (element === undefined) throw misfit(model, plan, { read, value, row: batch.firstRow + row });
        // The type of the list and that of its elements come from the same table.
        (data as (number | bigint | string)[])[row * reads.length + place] = element;
      }
    }
    return { name: input, dtype, dims: rank === 1 ? [batch.rows] : [batch.rows, reads.length], data };
  });
}

function misfit(
  model: string,
  { input, dtype }: InputPlan,
  { read, value, row }: { read: ColumnRead; value: unknown; row: number },
): BatchError {
  const what = typeof value === 'bigint' ? value.toString() : JSON.stringify(value);
  const how =
    value === null
      ? 'fill the nulls in the transform of the dataset, or train the model with a float there'
      : 'change the value in the transform of the dataset, or the type in the model';
  return new BatchError(
    'TypeMismatch',
    `The column "${read.column}" is ${what} in row ${row}, which the input "${input}" (${dtype}) of the model ${model} cannot have; ${how}`,
  );
}
