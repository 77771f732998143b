import type { Table } from '../../terminal/table.ts';
import type { Tensor } from './tensors.ts';

export interface Answer {
  readonly model: string;
  readonly version: string;
  readonly outputs: readonly Tensor[];
}

/** A row for each row that was asked, a column for each element of an output; undefined where outputs have no rows in common. */
export function answerTable({ outputs }: Answer): Table | undefined {
  const rows = outputs[0]?.shape[0];
  if (rows === undefined || outputs.some(({ shape }) => shape[0] !== rows)) return undefined;
  const columns = outputs.flatMap((output) => {
    const elements = rows === 0 ? 0 : output.data.length / rows;
    return Array.from({ length: elements }, (_, element) => ({ output, element, elements }));
  });
  return {
    head: [
      'ROW',
      ...columns.map(({ output, element, elements }) => (elements === 1 ? output.name : `${output.name}.${element}`)),
    ],
    rows: Array.from({ length: rows }, (_, row) => [
      { text: String(row + 1) },
      ...columns.map(({ output, element, elements }) => ({
        text: valueText(output.data[row * elements + element], output.datatype),
      })),
    ]),
  };
}

/** Numbers of 32 bits have seven digits that mean something, those of 16 bits four. */
const DIGITS: Readonly<Record<string, number>> = { FP16: 4, BF16: 3, FP32: 7 };

function valueText(value: unknown, datatype: string): string {
  const digits = DIGITS[datatype];
  return typeof value === 'number' && digits !== undefined ? String(Number(value.toPrecision(digits))) : String(value);
}
