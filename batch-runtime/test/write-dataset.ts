/** Writes a small dataset as `build-dataset` does: schema.json and a Parquet file a split. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

export interface DatasetColumn {
  readonly name: string;
  readonly role: 'key' | 'time' | 'request' | 'feature' | 'label';
  /** An expression in SQL over `i`, the number of the row from 0. */
  readonly sql: string;
}

/** @param rows of each split; a split of undefined gets no folder. */
export async function writeDataset(
  folder: string,
  columns: readonly DatasetColumn[],
  rows: Readonly<Partial<Record<'validation' | 'test', number>>>,
): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
  const connection = await instance.connect();
  const select = columns.map(({ name, sql }) => `${sql} AS "${name}"`).join(', ');
  for (const [split, count] of Object.entries(rows)) {
    mkdirSync(join(folder, split), { recursive: true });
    const file = join(folder, split, 'part-0.parquet');
    await connection.run(`COPY (SELECT ${select} FROM range(${count}) AS r(i)) TO '${file}' (FORMAT parquet)`);
  }
  const described = await connection.runAndReadAll(`DESCRIBE SELECT ${select} FROM range(1) AS r(i)`);
  const types = described.getRowObjectsJson().map((row) => row['column_type']);
  const schema = columns.map(({ name, role }, index) => ({ name, role, type: types[index] }));
  writeFileSync(join(folder, 'schema.json'), JSON.stringify({ columns: schema }));
  connection.closeSync();
  instance.closeSync();
}
