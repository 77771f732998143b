/** How many rows shall run together: found by running the model once at each size when it is loaded. */
import { numericType } from '../protocol/datatypes.ts';
import type { Datatype, Tensor } from '../protocol/datatypes.ts';
import type { TensorSpec } from '../protocol/inference.ts';
import { tensorOfValues } from '../protocol/typed-values.ts';
import type { ModelInstance, Signature } from './model-instance.ts';
import { joinRows, splitRows } from './rows.ts';

export interface RunCost {
  readonly rows: number;
  readonly microseconds: number;
}

/** A larger batch has to be cheaper by this part a row, or it only makes the first of its requests wait. */
const WORTHWHILE = 0.05;

const SIZES = [1, 2, 4, 8, 16, 32, 64, 128] as const;
const RUNS = 3;
/** Loading a model takes at most about this much longer, and no run that is shared takes much more. */
const LONGEST_RUN_MICROSECONDS = 100_000;

/**
 * The smallest size of a run whose rows are not clearly dearer than at the best size.
 *
 * @param costs as measured; undefined: each request runs alone.
 */
export function batchRowsFor(costs: readonly RunCost[] = []): number {
  const perRow = costs.map(({ rows, microseconds }) => microseconds / rows);
  const best = Math.min(...perRow);
  const index = perRow.findIndex((cost) => cost <= best * (1 + WORTHWHILE));
  return costs[index]?.rows ?? 1;
}

/**
 * What runs of more and more rows take.
 *
 * @param instance of a model that takes rows.
 * @returns undefined where what the model says of a row depends on the rows beside it, or where it cannot be measured.
 */
export async function measureRuns(instance: ModelInstance): Promise<RunCost[] | undefined> {
  try {
    if (!(await hasIndependentRows(instance))) return undefined;
    const row = exampleRow(instance.signature.inputs, 0);
    const costs: RunCost[] = [];
    for (const rows of SIZES) {
      const inputs = joinRows(Array.from({ length: rows }, () => row));
      const microseconds = await fastestRun(instance, inputs);
      costs.push({ rows, microseconds });
      if (microseconds > LONGEST_RUN_MICROSECONDS) break;
    }
    return costs;
  } catch {
    // Values that are made up need not mean anything to the model; then each request runs alone.
    return undefined;
  }
}

/** What a run takes of a model whose sizes are all fixed, or 1 where they are not, in microseconds. @throws {ModelRunError | InstanceLost} */
export function measureRun(instance: ModelInstance): Promise<number> {
  return fastestRun(instance, exampleRow(instance.signature.inputs, 0));
}

async function fastestRun(instance: ModelInstance, inputs: readonly Tensor[]): Promise<number> {
  let fastest = Infinity;
  for (let run = 0; run < RUNS; run += 1) {
    fastest = Math.min(fastest, (await runCopy(instance, inputs)).microseconds);
  }
  return fastest;
}

async function hasIndependentRows(instance: ModelInstance): Promise<boolean> {
  const rows = [1, 2, 3, 4].map((seed) => exampleRow(instance.signature.inputs, seed));
  const alone = [];
  for (const row of rows) alone.push((await runCopy(instance, row)).outputs);
  const together = splitRows(
    (await runCopy(instance, joinRows(rows))).outputs,
    rows.map(() => 1),
  );
  return together !== undefined && alone.every((outputs, index) => areAlike(outputs, together[index] ?? []));
}

/** The memory of what is run moves to the instance. */
function runCopy(instance: ModelInstance, inputs: readonly Tensor[]) {
  const outputs = instance.signature.outputs.map(({ name }) => name);
  return instance.run([inputs.map((input) => ({ ...input, data: input.data.slice() }))], outputs);
}

/** Another size may take other kernels, which round differently. */
const TOLERANCE = 1e-3;

function areAlike(a: readonly Tensor[], b: readonly Tensor[]): boolean {
  return a.every(({ data, shape }, index) => {
    const other = b[index];
    if (other === undefined || other.data.length !== data.length || other.shape.length !== shape.length) return false;
    return Array.from(data as ArrayLike<number>).every((value, at) => isClose(value, other.data[at]));
  });
}

function isClose(a: unknown, b: unknown): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return a === b;
  return Object.is(a, b) || Math.abs(a - b) <= TOLERANCE * Math.max(1, Math.abs(a), Math.abs(b));
}

/** One row of numbers between -1 and 1 (0 and 1 for whole ones), the same for the same seed. */
function exampleRow(inputs: Signature['inputs'], seed: number): Tensor[] {
  return inputs.map((input, position) => exampleTensor(input, seed * 31 + position));
}

function exampleTensor({ name, datatype, shape: sizes }: TensorSpec, seed: number): Tensor {
  const shape = sizes.map((size) => (size < 0 ? 1 : size));
  const count = shape.reduce((product, size) => product * size, 1);
  const type = datatype as Datatype;
  if (type === 'BYTES') return { name, datatype: type, shape, data: Array.from({ length: count }, () => '') };
  const isFloat = numericType(type).range === undefined;
  const values = Array.from({ length: count }, (_, index) => {
    const wave = Math.sin(seed * 12.9898 + index * 78.233);
    if (type === 'BOOL') return wave > 0;
    return isFloat ? wave : Number(wave > 0);
  });
  return { name, datatype: type, shape, data: tensorOfValues(name, { datatype: type, count }, values) };
}
