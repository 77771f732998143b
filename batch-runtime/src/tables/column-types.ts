/** The types of the API and DuckDB's, and casts that lose nothing. */
import { BatchError } from '../failure.ts';
import type { Database } from './database.ts';
import { identifier } from './database.ts';
import type { Column } from './user-query.ts';

const TYPES: Readonly<Record<string, string>> = {
  Float64: 'DOUBLE',
  Float32: 'FLOAT',
  Int64: 'BIGINT',
  Int32: 'INTEGER',
  Boolean: 'BOOLEAN',
  String: 'VARCHAR',
  Timestamp: 'TIMESTAMP WITH TIME ZONE',
  Date: 'DATE',
};

/** What may become what without asking each value. */
const FLOATS = ['DOUBLE', 'FLOAT'];

export interface TypedColumn {
  readonly name: string;
  readonly type: string;
}

/**
 * An expression for a column as its declared type. Numbers are rounded to Float32 where that is asked for; nothing else may lose.
 * @throws {BatchError} TypeMismatch, with a value that does not fit.
 */
export async function typedExpression(
  database: Database,
  table: string,
  columns: readonly Column[],
  { name, type }: TypedColumn,
): Promise<string> {
  const target = TYPES[type] ?? 'VARCHAR';
  const actual = columns.find((column) => column.name === name)?.type ?? '';
  const column = identifier(name);
  if (actual === target) return column;
  if (type === 'Timestamp') return timeExpression(database, table, columns, name);
  const misfits = `${column} IS NOT NULL AND NOT coalesce(${fits(column, actual, target)}, false)`;
  const [bad] = await database.rows<{ value: string; n: bigint }>(
    `SELECT CAST(any_value(${column}) AS VARCHAR) AS value, count(*) AS n FROM ${identifier(table)} WHERE ${misfits}`,
  );
  if (bad === undefined || bad.n === 0n) return `TRY_CAST(${column} AS ${target})`;
  throw new BatchError(
    'TypeMismatch',
    `column "${name}" is declared ${type}, but ${bad.n} values of its type ${actual} do not fit, for example ${JSON.stringify(bad.value)}; cast it in the transform, or declare another type`,
  );
}

/** A condition that a value keeps its meaning as the target type. A number is no text, and 2 is no truth. */
function fits(column: string, actual: string, target: string): string {
  const cast = `TRY_CAST(${column} AS ${target})`;
  if (target === 'VARCHAR' || (target === 'BOOLEAN' && isNumeric(actual))) return 'false';
  if (FLOATS.includes(target) && isNumeric(actual)) return `${cast} IS NOT NULL`;
  return `CAST(${cast} AS VARCHAR) = CAST(${column} AS VARCHAR) OR TRY_CAST(${cast} AS DOUBLE) = TRY_CAST(${column} AS DOUBLE)`;
}

function isNumeric(type: string): boolean {
  return /INT|FLOAT|DOUBLE|DECIMAL/.test(type);
}

/** A column as an instant; without a zone it is UTC. @throws {BatchError} TimeInvalid */
export async function timeExpression(
  database: Database,
  table: string,
  columns: readonly Column[],
  name: string,
): Promise<string> {
  const actual = columns.find((column) => column.name === name)?.type ?? '';
  const column = identifier(name);
  if (actual === 'TIMESTAMP WITH TIME ZONE') return column;
  if (/^(TIMESTAMP|DATE)/.test(actual)) return `CAST(CAST(${column} AS TIMESTAMP) AS TIMESTAMPTZ)`;
  const cast = `TRY_CAST(${column} AS TIMESTAMPTZ)`;
  const [bad] = await database.rows<{ value: string; n: bigint }>(
    `SELECT CAST(any_value(${column}) AS VARCHAR) AS value, count(*) AS n FROM ${identifier(table)} WHERE ${column} IS NOT NULL AND ${cast} IS NULL`,
  );
  if (actual === 'VARCHAR' && (bad?.n ?? 0n) === 0n) return cast;
  throw new BatchError(
    'TimeInvalid',
    `column "${name}" is a time, but ${actual === 'VARCHAR' ? `${bad?.n} values are no timestamps, for example ${JSON.stringify(bad?.value)}` : `its type is ${actual}`}; make it a TIMESTAMP in the transform`,
  );
}
