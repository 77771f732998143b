import { DuckDBInstance } from '@duckdb/node-api';

/** Rows of Parquet files as plain values, in their order; columns as SQL expressions. */
export async function readParquet(file: string, columns = '*'): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run("SET TimeZone = 'UTC'");
  const reader = await connection.runAndReadAll(`SELECT ${columns} FROM read_parquet('${file}')`);
  const rows = reader.getRowObjectsJson() as Record<string, unknown>[];
  connection.closeSync();
  instance.closeSync();
  return rows;
}
