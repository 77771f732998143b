import type { SchemaColumn } from '../dataset/schema.ts';
import { BatchError } from '../failure.ts';
import type { Task } from './task.ts';

/** The column of the dataset with the answers, as numbers. @throws {BatchError} ColumnNotFound, TypeMismatch */
export function labelColumn(columns: readonly SchemaColumn[]): string {
  const label = columns.find(({ role }) => role === 'label');
  if (label === undefined) {
    const there = columns.map(({ name, role }) => `${name} (${role})`).join(', ');
    throw new BatchError(
      'ColumnNotFound',
      `The dataset has no column with the role label, so nothing can be compared; its schema.json has: ${there}`,
    );
  }
  if (/INT|FLOAT|DOUBLE|DECIMAL|BOOLEAN/.test(label.type)) return label.name;
  throw new BatchError(
    'TypeMismatch',
    `The label "${label.name}" is ${label.type}; make it a number in the transform of the dataset (classes are numbered from 0)`,
  );
}

/** What the labels of some rows are to be. */
export interface LabelRows {
  readonly column: string;
  readonly task: Task;
  readonly firstRow: number;
}

/** @throws {BatchError} LabelNull, TypeMismatch */
export function readLabels(values: readonly unknown[], rows: LabelRows): number[] {
  return values.map((value, row) => {
    if (typeof value === 'number' && isUsable(value, rows.task)) return value;
    throw unusable(value, row, rows);
  });
}

function isUsable(value: number, task: Task): boolean {
  return task === 'numbers' ? Number.isFinite(value) : Number.isSafeInteger(value) && value >= 0;
}

function unusable(value: unknown, row: number, { column, task, firstRow }: LabelRows): BatchError {
  const at = `The label "${column}" is ${typeof value === 'number' ? value : 'null'} in row ${firstRow + row} of the split`;
  if (typeof value !== 'number') {
    return new BatchError('LabelNull', `${at}; leave such rows out in the transform of the dataset`);
  }
  const wanted = task === 'numbers' ? 'a finite number' : 'the number of a class, 0, 1, 2, …';
  return new BatchError('TypeMismatch', `${at}; it has to be ${wanted}: change it in the transform of the dataset`);
}
