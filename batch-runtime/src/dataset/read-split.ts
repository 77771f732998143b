import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BatchError } from '../failure.ts';
import { readJson } from '../files/publish.ts';
import { pathInStore } from '../files/store-path.ts';
import { literal, openDatabase } from '../tables/database.ts';
import type { Database } from '../tables/database.ts';
import { findSourceFiles } from '../tables/source-files.ts';
import { firstLine, requireColumns, tableColumns } from '../tables/user-query.ts';
import type { SchemaColumn } from './schema.ts';
import type { Split } from './split.ts';

/** The rows of one split of a dataset that `build-dataset` wrote. */
export interface SplitTable {
  /** As in the files, with their roles, in the order of `schema.json`. */
  readonly columns: readonly SchemaColumn[];
  readonly rows: number;
  /** The values of SQL expressions for all rows in their order, some at a time. @throws {BatchError} FormatInvalid */
  batches(expressions: readonly string[]): AsyncGenerator<readonly (readonly unknown[])[]>;
  close(): Promise<void>;
}

export interface SplitSource {
  readonly datasetDir: string;
  readonly split: Split;
  /** In bytes. */
  readonly memoryLimit: number;
}

const TABLE = 'split_rows';

const SchemaFile = z.object({
  columns: z.array(
    z.object({ name: z.string(), type: z.string(), role: z.enum(['key', 'time', 'request', 'feature', 'label']) }),
  ),
});

/** @throws {BatchError} FileNotFound, FileNotReadable, FormatInvalid, ColumnNotFound, SplitEmpty */
export async function openSplit({ datasetDir, split, memoryLimit }: SplitSource): Promise<SplitTable> {
  const schema = await readSchema(datasetDir);
  if (!existsSync(join(datasetDir, split))) {
    throw new BatchError(
      'FileNotFound',
      `The dataset ${pathInStore(datasetDir)} has no folder ${split}; was it deleted? Build the dataset again`,
    );
  }
  const files = findSourceFiles(datasetDir, `${split}/part-*.parquet`);
  const database = await openDatabase({ memoryLimit, files, folders: [] });
  try {
    const columns = await createView(database, { files, schema, split });
    const [{ n } = { n: 0n }] = await database.rows<{ n: bigint }>(`SELECT count(*) AS n FROM ${TABLE}`);
    if (n === 0n) throw emptySplit(datasetDir, split);
    return {
      columns,
      rows: Number(n),
      batches: (expressions) => readRows(database, { expressions, split }),
      close: database.close,
    };
  } catch (cause) {
    await database.close();
    throw cause;
  }
}

async function readSchema(datasetDir: string): Promise<SchemaColumn[]> {
  const { data } = SchemaFile.safeParse(await readJson(join(datasetDir, 'schema.json')));
  if (data !== undefined) return data.columns;
  throw new BatchError(
    'FileNotFound',
    `${pathInStore(datasetDir)} holds no schema.json with the columns of a dataset; name the folder of a DatasetVersion`,
  );
}

interface View {
  readonly files: readonly string[];
  readonly schema: readonly SchemaColumn[];
  readonly split: string;
}

/** The types are those of the files: `schema.json` may have been written by another program. */
async function createView(database: Database, { files, schema, split }: View): Promise<SchemaColumn[]> {
  await database
    .run(`CREATE VIEW ${TABLE} AS SELECT * FROM read_parquet([${files.map(literal).join(', ')}])`)
    .catch((cause: unknown) => {
      throw unreadable(split, cause);
    });
  const found = await tableColumns(database, TABLE);
  const names = schema.map(({ name }) => name);
  requireColumns(found, names, `the split ${split}`);
  return schema.map((column) => ({
    ...column,
    type: found.find(({ name }) => name === column.name)?.type ?? column.type,
  }));
}

async function* readRows(
  database: Database,
  { expressions, split }: { expressions: readonly string[]; split: string },
): AsyncGenerator<readonly (readonly unknown[])[]> {
  try {
    yield* database.batches(`SELECT ${expressions.join(', ')} FROM ${TABLE}`);
  } catch (cause) {
    throw unreadable(split, cause);
  }
}

function unreadable(split: string, cause: unknown): Error {
  if (/Out of Memory Error/.test(String(cause))) {
    return new Error(`${firstLine(cause)}: raise resources.limits.memory`, { cause });
  }
  return new BatchError('FormatInvalid', `The files of the split ${split} cannot be read: ${firstLine(cause)}`, {
    cause,
  });
}

function emptySplit(datasetDir: string, split: Split): BatchError {
  const how = split === 'test' ? 'set split.testFrom of the Dataset' : 'change split.validationFrom of the Dataset';
  return new BatchError(
    'SplitEmpty',
    `The split ${split} of ${pathInStore(datasetDir)} has no rows, so nothing can be measured; ${how}, or name the other split`,
  );
}
