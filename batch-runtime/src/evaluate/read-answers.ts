/** What a model's output says of each row. */
import type { TensorSpec } from '@slipway/crds';
import { BatchError } from '../failure.ts';
import type { Task } from './task.ts';

/** An output after a run. */
export interface Answer {
  readonly dims: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** Where an answer comes from, and the rows that it is about. */
export interface Asked {
  readonly model: string;
  readonly output: string;
  readonly firstRow: number;
  readonly rows: number;
}

/** Names that exporters give to the probabilities of a classifier, beside its labels and decision values. */
const PROBABILITIES = ['probabilities', 'probability', 'output_probability'];
/** A softmax in Float32 over many classes misses 1 by less. */
const SUM_TOLERANCE = 1e-3;
const RANGE_TOLERANCE = 1e-6;

/** The output with the answer: the only one of floats, or the one that is called as probabilities are. @throws {BatchError} SignatureMismatch */
export function chooseOutput(model: string, outputs: readonly TensorSpec[], task: Task): string {
  const floats = outputs.filter(({ dtype }) => dtype === 'Float32' || dtype === 'Float64');
  const called = task === 'classes' ? floats.filter(({ name }) => PROBABILITIES.includes(name)) : [];
  const [chosen, second] = called.length === 1 ? called : floats;
  if (chosen !== undefined && second === undefined) return chosen.name;
  const expected =
    task === 'classes'
      ? 'one output of Float32 or Float64 with probabilities (or one that is called probabilities)'
      : 'one output of Float32 or Float64';
  const there = outputs.map(({ name, dtype, shape }) => `${name} (${dtype}, [${shape.join(', ')}])`).join(', ');
  throw new BatchError('SignatureMismatch', `The model ${model} should have ${expected}; it has: ${there}`);
}

/**
 * Probabilities of each class, row by row. One number a row ([n] or [n, 1]) is that of class 1 of two.
 * @throws {BatchError} SignatureMismatch, PredictionInvalid
 */
export function readProbabilities({ dims, data }: Answer, asked: Asked): { classes: number; values: Float64Array } {
  const [rows, width = 1, ...others] = dims;
  if (rows !== asked.rows || width < 1 || others.length > 0)
    throw wrongShape(dims, asked, '[n], [n, 1] or [n, classes]');
  const values = Float64Array.from(data, (value, index) => {
    if (value >= -RANGE_TOLERANCE && value <= 1 + RANGE_TOLERANCE) return Math.min(Math.max(value, 0), 1);
    const how = 'a probability is from 0 to 1; export the model with its sigmoid or softmax';
    throw invalid(value, Math.floor(index / width), { asked, how });
  });
  if (width === 1) return { classes: 2, values: withOtherClass(values) };
  for (let row = 0; row < asked.rows; row += 1) {
    const sum = values.subarray(row * width, (row + 1) * width).reduce((total, value) => total + value, 0);
    if (Math.abs(sum - 1) > SUM_TOLERANCE) {
      throw invalid(sum, row, { asked, how: 'that is the sum over the classes, which is 1 where a row has one class' });
    }
  }
  return { classes: width, values };
}

function withOtherClass(ofClass1: Float64Array): Float64Array {
  const both = new Float64Array(ofClass1.length * 2);
  for (const [row, probability] of ofClass1.entries()) both.set([1 - probability, probability], row * 2);
  return both;
}

/** One number a row. @throws {BatchError} SignatureMismatch, PredictionInvalid */
export function readNumbers({ dims, data }: Answer, asked: Asked): Float64Array {
  const [rows, width = 1, ...others] = dims;
  if (rows !== asked.rows || width !== 1 || others.length > 0) throw wrongShape(dims, asked, '[n] or [n, 1]');
  return Float64Array.from(data, (value, row) => {
    if (Number.isFinite(value)) return value;
    throw invalid(value, row, {
      asked,
      how: 'a metric needs a number; look at what the model does with missing values',
    });
  });
}

function wrongShape(dims: readonly number[], { model, output, rows }: Asked, expected: string): BatchError {
  return new BatchError(
    'SignatureMismatch',
    `The output ${output} of the model ${model} came back as [${dims.join(', ')}] for ${rows} rows; expected is ${expected} with n = ${rows}`,
  );
}

function invalid(value: number, row: number, { asked, how }: { asked: Asked; how: string }): BatchError {
  const { model, output, firstRow } = asked;
  return new BatchError(
    'PredictionInvalid',
    `The model ${model} answers ${value} in ${output} for row ${firstRow + row} of the split: ${how}`,
  );
}
