/** Runs our join on rows given as plain values. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { joinFeatures } from '../src/dataset/join-features.ts';
import type { JoinedFeature } from '../src/dataset/join-features.ts';
import { identifier, literal, openDatabase } from '../src/tables/database.ts';
import type { Database } from '../src/tables/database.ts';
import type { FeatureRow, Prediction } from './brute-force.ts';

const instant = (column: string): string => `CAST(make_timestamp(CAST(${column} AS BIGINT)) AS TIMESTAMPTZ)`;

async function load(database: Database, folder: string, table: string, rows: readonly object[]): Promise<void> {
  const file = join(folder, `${table}.json`);
  writeFileSync(file, JSON.stringify(rows));
  const columns = `{keys: 'VARCHAR[]', event: 'BIGINT', known: 'BIGINT', value: 'DOUBLE', moment: 'BIGINT', row: 'BIGINT'}`;
  await database.run(
    `CREATE TABLE ${table} AS SELECT * FROM read_json(${literal(file)}, columns = ${columns}, format = 'array')`,
  );
}

/** One column a selected feature, one entry a prediction in its order. */
export type Joined = readonly Readonly<Record<string, unknown>>[];

export interface FeatureTable {
  readonly rows: readonly FeatureRow[];
  readonly ttl: string;
  readonly select: JoinedFeature['select'];
}

/** The columns of `select` without a window all hold the value of the rows. Keys are called key0, key1, … */
export async function joinTables(tables: readonly FeatureTable[], predictions: readonly Prediction[]): Promise<Joined> {
  const folder = mkdtempSync(join(tmpdir(), 'join-'));
  const database = await openDatabase({ memoryLimit: 512 << 20, files: [], folders: [folder] });
  try {
    const width = predictions[0]?.keys.length ?? 1;
    const keys = Array.from({ length: width }, (_, index) => `key${index}`);
    const keyList = keys.map((name, index) => `keys[${index + 1}] AS ${name}`).join(', ');
    await load(
      database,
      folder,
      'raw',
      predictions.map((prediction, row) => ({ keys: prediction.keys, moment: prediction.at, row })),
    );
    await database.run(
      `CREATE TABLE queries AS SELECT ${keyList}, ${instant('moment')} AS __t, row AS __q FROM raw ORDER BY row`,
    );
    for (const [index, { rows, ttl, select }] of tables.entries()) {
      const file = join(folder, `part-${index}.parquet`);
      await load(
        database,
        folder,
        `raw_${index}`,
        rows.map((row, order) => ({ ...row, row: order })),
      );
      const plain = select
        .map(({ name, window }) => (window === undefined ? `value AS ${identifier(name)}, ` : ''))
        .join('');
      await database.run(
        `COPY (SELECT ${keyList}, ${instant('event')} AS __event, ${instant('known')} AS __known, ${plain}value AS v, row AS __row FROM raw_${index}) TO ${literal(file)} (FORMAT parquet)`,
      );
      const entities = keys.map((name) => ({ name, type: 'String' as const }));
      await joinFeatures(database, { featureSet: `set-${index}`, dir: folder, entities, ttl, select }, [file]);
    }
    return await database.rows('SELECT * FROM queries ORDER BY __q');
  } finally {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
