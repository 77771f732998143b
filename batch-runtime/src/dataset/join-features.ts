/**
 * The point-in-time join. For a prediction at t, a row of a FeatureSet may be used if and only if its keys are equal, event <= t,
 * known <= t and event >= t - ttl. Of those the one with the greatest event counts, then the greatest known, then the last row.
 *
 * A row can be used from `available` = max(event, known) on. Ordering rows by the winner's order once, and taking the running
 * maximum of that order along `available`, leaves for every moment the one best row known by then, which an ASOF join finds.
 * Whether the best one is too old can be asked last, since all others are older still.
 */
import type { DatasetFeature } from '@slipway/crds/batch';
import type { z } from 'zod';
import { typedExpression } from '../tables/column-types.ts';
import type { TypedColumn } from '../tables/column-types.ts';
import { tableColumns } from '../tables/user-query.ts';
import { identifier, list, literal } from '../tables/database.ts';
import type { Database } from '../tables/database.ts';
import { interval, microseconds } from '../tables/durations.ts';
import { createWindowTable } from './window-features.ts';

export type JoinedFeature = z.infer<typeof DatasetFeature>;

/** Adds the selected features of one FeatureSet to the table `queries`. */
export async function joinFeatures(
  database: Database,
  feature: JoinedFeature,
  files: readonly string[],
): Promise<void> {
  const keys = feature.entities.map((entity) => entity.name);
  const notNull = keys.map((key) => `${identifier(key)} IS NOT NULL`).join(' AND ');
  await database.run(
    `CREATE TABLE feature_rows AS SELECT *, row_number() OVER (ORDER BY __event, __known, __row) AS __order
     FROM read_parquet([${files.map(literal).join(', ')}]) WHERE ${notNull}`,
  );
  const plain = feature.select.filter((column) => column.window === undefined).map((column) => column.name);
  const windows = feature.select.filter((column) => column.window !== undefined);
  const tables: string[] = [];
  if (plain.length > 0) tables.push(await createLatestTable(database, { keys, plain, ttl: feature.ttl }));
  for (const [index, { name, type, window }] of windows.entries()) {
    if (window === undefined) continue;
    const table = await createWindowTable(database, { table: `window_${index}`, name, window, keys, ttl: feature.ttl });
    await castWindow(database, table, { name, type });
    tables.push(table);
  }
  const joins = tables.map((table) => `LEFT JOIN ${table} USING (__q)`).join(' ');
  await database.run(`CREATE TABLE joined AS SELECT * FROM queries ${joins} ORDER BY __q`);
  for (const table of ['queries', 'feature_rows', ...tables]) await database.run(`DROP TABLE ${table}`);
  await database.run('ALTER TABLE joined RENAME TO queries');
}

/** Makes the column what it is declared; aggregates come out as DOUBLE and BIGINT. */
async function castWindow(database: Database, table: string, column: TypedColumn): Promise<void> {
  const name = identifier(column.name);
  const value = await typedExpression(database, table, await tableColumns(database, table), column);
  await database.run(`CREATE TABLE cast_window AS SELECT __q, ${value} AS ${name} FROM ${table}`);
  await database.run(`DROP TABLE ${table}`);
  await database.run(`ALTER TABLE cast_window RENAME TO ${table}`);
}

interface Latest {
  readonly keys: readonly string[];
  readonly plain: readonly string[];
  readonly ttl: string;
}

async function createLatestTable(database: Database, { keys, plain, ttl }: Latest): Promise<string> {
  await database.run(
    `CREATE TABLE best_rows AS SELECT DISTINCT ${list(keys)}, greatest(__event, __known) AS __available,
       max(__order) OVER (PARTITION BY ${list(keys)} ORDER BY greatest(__event, __known) RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS __best
     FROM feature_rows`,
  );
  const sameKeys = keys.map((key) => `queries.${identifier(key)} = best_rows.${identifier(key)}`).join(' AND ');
  const young = ttl === 'Unlimited' ? 'true' : `feature_rows.__event >= found.__t - ${interval(microseconds(ttl))}`;
  await database.run(
    `CREATE TABLE latest AS SELECT found.__q, ${list(plain, (name) => `feature_rows.${identifier(name)}`)}
     FROM (SELECT queries.__q, queries.__t, best_rows.__best FROM queries ASOF JOIN best_rows ON ${sameKeys} AND queries.__t >= best_rows.__available) AS found
     JOIN feature_rows ON feature_rows.__order = found.__best AND ${young}`,
  );
  await database.run('DROP TABLE best_rows');
  return 'latest';
}
