import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';

/** A DuckDB in memory that can reach only the files and folders that it is given, and that no SQL can change. */
export interface Database {
  run(sql: string): Promise<void>;
  /** Rows as plain JavaScript values: bigints for 64-bit integers, strings for times. */
  rows<T>(sql: string): Promise<T[]>;
  /** Rows in their order, 2,048 at most at a time, as one list of values a column; memory does not grow with their number. */
  batches(sql: string): AsyncGenerator<ColumnValues[]>;
  readonly connection: DuckDBConnection;
  /** Waits for the query that runs. */
  close(): Promise<void>;
}

export type ColumnValues = readonly DuckDBValue[];

export interface DatabaseOptions {
  /** In bytes. */
  readonly memoryLimit: number;
  readonly files: readonly string[];
  /** Where it may write. */
  readonly folders: readonly string[];
  /** Where its tables lie; in memory by default. */
  readonly file?: string;
}

const open = new Set<DuckDBConnection>();

/** Ends all queries that run: a process cannot end before them. */
export function interruptQueries(): void {
  for (const connection of open) connection.interrupt();
}

export async function openDatabase({
  memoryLimit,
  files,
  folders,
  file = ':memory:',
}: DatabaseOptions): Promise<Database> {
  const instance = await DuckDBInstance.create(file, {
    // One thread: the same input gives the same bytes, and a sum is always added up in the same order.
    threads: '1',
    memory_limit: `${Math.max(256, Math.floor(memoryLimit / 1024 / 1024))}MiB`,
    temp_directory: join(tmpdir(), `duckdb-${randomBytes(6).toString('hex')}`),
    preserve_insertion_order: 'true',
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  open.add(connection);
  // One query at a time: closing a connection under a query that still runs would block both for ever.
  let last: Promise<unknown> = Promise.resolve();
  let closing = false;
  const inTurn = <T>(query: () => Promise<T>): Promise<T> => {
    const mine = last.then(() => {
      if (closing) throw new Error('the database is closed');
      return query();
    });
    last = mine.catch(() => {});
    return mine;
  };
  const run = async (sql: string) => {
    await inTurn(() => connection.run(sql));
  };
  await run(`SET TimeZone = 'UTC'`);
  await run(`SET allowed_paths = [${files.map(literal).join(', ')}]`);
  await run(`SET allowed_directories = [${folders.map(literal).join(', ')}]`);
  await run('SET enable_external_access = false');
  await run('SET lock_configuration = true');
  return {
    run,
    rows: async <T>(sql: string) => (await inTurn(() => connection.runAndReadAll(sql))).getRowObjectsJS() as T[],
    batches: async function* (sql: string) {
      const result = await inTurn(() => connection.stream(sql));
      for (;;) {
        const chunk = await inTurn(() => result.fetchChunk());
        if (chunk === null || chunk.rowCount === 0) return;
        yield chunk.getColumns();
      }
    },
    connection,
    close: async () => {
      closing = true;
      await last;
      open.delete(connection);
      connection.closeSync();
      instance.closeSync();
    },
  };
}

/** A string in SQL. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A column or table in SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function list(names: readonly string[], each: (name: string) => string = identifier): string {
  return names.map(each).join(', ');
}
