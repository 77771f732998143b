/** A person's SELECT over their files, run so that it can do nothing else. */
import { StatementType } from '@duckdb/node-api';
import { BatchError } from '../failure.ts';
import { pathInStore } from '../files/store-path.ts';
import type { Database } from './database.ts';
import { identifier, list, literal } from './database.ts';

export interface SourceTable {
  readonly files: readonly string[];
  readonly format: 'Csv' | 'Parquet' | 'Json';
  readonly sql: string | undefined;
}

export interface Column {
  readonly name: string;
  /** DuckDB's name of the type. */
  readonly type: string;
}

const READERS = {
  Csv: (files: string) => `read_csv(${files}, header = true, union_by_name = true, sample_size = -1)`,
  Parquet: (files: string) => `read_parquet(${files}, union_by_name = true)`,
  Json: (files: string) => `read_json(${files}, union_by_name = true)`,
} as const;

/**
 * Makes `target` of what the SELECT gives (of the files as they are, without one), with a column `__row` that keeps its order.
 * @throws {BatchError} FormatInvalid, SqlInvalid
 */
export async function loadUserTable(
  database: Database,
  { files, format, sql }: SourceTable,
  target: string,
): Promise<Column[]> {
  const reader = READERS[format](`[${files.map(literal).join(', ')}]`);
  await database.run(`CREATE VIEW source AS SELECT * FROM ${reader}`).catch((cause: unknown) => {
    const names = files.map(pathInStore).join(', ');
    throw new BatchError('FormatInvalid', `${names} cannot be read as ${format}: ${firstLine(cause)}`, { cause });
  });
  const table = identifier(target);
  try {
    const select = sql === undefined ? 'FROM source' : await singleSelect(database, sql);
    await database.run(`CREATE TABLE ${table} AS SELECT *, row_number() OVER () AS __row FROM (${select}\n)`);
  } catch (cause) {
    throw cause instanceof BatchError ? cause : await failureOf(database, cause, sql !== undefined);
  }
  await database.run('DROP VIEW source');
  const columns = await tableColumns(database, target);
  return columns.filter(({ name }) => name !== '__row');
}

/** The text, if it is one SELECT and nothing else; wrapped in parentheses it then still is. */
async function singleSelect(database: Database, sql: string): Promise<string> {
  const text = withoutEnd(sql);
  const statements = await database.connection.extractStatements(text).catch((cause: unknown) => {
    throw new BatchError('SqlInvalid', `The transform is not valid SQL: ${firstLine(cause)}`, { cause });
  });
  if (statements.count !== 1)
    throw new BatchError('SqlInvalid', `The transform must be one SELECT; it holds ${statements.count} statements`);
  const prepared = await statements.prepare(0);
  if (prepared.statementType !== StatementType.SELECT || prepared.parameterCount > 0)
    throw new BatchError(
      'SqlInvalid',
      'The transform must be a SELECT without parameters; it reads the table "source"',
    );
  return text;
}

/** Without spaces, comments and the semicolon at the end: the SELECT goes into parentheses. What is cut holds no quote, so it is no text. */
function withoutEnd(sql: string): string {
  return sql.trim().replace(/;(\s|--[^\n'"]*(\n|$))*$/, '');
}

/** What went wrong, and whose turn it is: a wrong column, a value that does not convert, the files, or the SQL. */
async function failureOf(database: Database, cause: unknown, hasSql: boolean): Promise<Error> {
  const text = String(cause);
  if (/Out of Memory Error|No space left/.test(text)) {
    return new Error(`${firstLine(cause)}: raise resources.limits.memory`, { cause });
  }
  const missing = /Referenced column "([^"]+)" not found/.exec(text)?.[1];
  if (missing !== undefined) {
    const there = (await tableColumns(database, 'source')).map(({ name }) => name).join(', ');
    return new BatchError('ColumnNotFound', `The transform uses the column "${missing}"; the files have: ${there}`, {
      cause,
    });
  }
  const aboutSql = /(Parser|Binder|Catalog|Permission) Error/.test(text);
  if (!hasSql || (!aboutSql && /CSV Error|parquet|JSON/i.test(text))) {
    return new BatchError('FormatInvalid', `The files cannot be read: ${firstLine(cause)}`, { cause });
  }
  if (/Conversion Error/.test(text)) {
    const how = "where such values mean unknown, write TRY_CAST(column AS …) or NULLIF(column, 'NA')";
    return new BatchError('TypeMismatch', `The transform failed: ${firstLine(cause)}; ${how}`, { cause });
  }
  return new BatchError('SqlInvalid', `The transform failed: ${firstLine(cause)}`, { cause });
}

export async function tableColumns(database: Database, table: string): Promise<Column[]> {
  return database.rows<Column>(
    `SELECT column_name AS name, data_type AS type FROM duckdb_columns() WHERE table_name = ${literal(table)} ORDER BY column_index`,
  );
}

/** @throws {BatchError} ColumnNotFound, naming what there is. */
export function requireColumns(columns: readonly Column[], names: readonly string[], where: string): void {
  const missing = names.filter((name) => !columns.some((column) => column.name === name));
  if (missing.length === 0) return;
  const there = columns.map((column) => column.name).join(', ');
  throw new BatchError('ColumnNotFound', `${where} has no column ${list(missing)}; it has: ${there}`);
}

/** DuckDB says in the first line what is wrong; what follows points into text that we wrote. Paths lose their mount. */
export function firstLine(cause: unknown): string {
  const text = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0] ?? '';
  return text.replaceAll(/\/stores\/[^/]+\//g, '').slice(0, 400);
}
