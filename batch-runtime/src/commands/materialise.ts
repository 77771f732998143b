import { join } from 'node:path';
import { MaterialiseResult } from '@slipway/crds/batch';
import type { MaterialiseRequest } from '@slipway/crds/batch';
import { BatchError } from '../failure.ts';
import { runChecks } from '../features/checks.ts';
import { digestOf } from '@slipway/crds/digest';
import { publishFolder, readJson, withBuildFolder } from '../files/publish.ts';
import { pathInStore } from '../files/store-path.ts';
import { timeExpression, typedExpression } from '../tables/column-types.ts';
import { identifier, list, literal, openDatabase } from '../tables/database.ts';
import type { Database } from '../tables/database.ts';
import { findSourceFiles } from '../tables/source-files.ts';
import { loadUserTable, requireColumns } from '../tables/user-query.ts';
import type { Column } from '../tables/user-query.ts';
import { writeFile } from 'node:fs/promises';

export interface TableCommandOptions {
  readonly memoryLimit: number;
  readonly log: (message: string, fields?: object) => void;
}

/**
 * Makes one materialisation of a FeatureSet: the columns of its entities, `__event` and `__known` (instants), its features, the
 * columns that its windows are computed of, and `__row`, the order of the source, which decides between equals.
 */
export async function materialise(
  request: MaterialiseRequest,
  { memoryLimit, log }: TableCommandOptions,
): Promise<MaterialiseResult> {
  const finished = await finishedResult(request.outputDir);
  if (finished !== undefined) return finished;
  const files = findSourceFiles(request.source.dir, request.source.path);
  return withBuildFolder(request.outputDir, (built) => writeFolder(request, { built, files, memoryLimit, log }));
}

/** What the manifest of a finished folder says. */
async function finishedResult(folder: string): Promise<MaterialiseResult | undefined> {
  const manifest = (await readJson(join(folder, 'manifest.json'))) as { result?: unknown } | undefined;
  return MaterialiseResult.safeParse(manifest?.result).data;
}

interface Work extends TableCommandOptions {
  readonly built: string;
  readonly files: readonly string[];
}

async function writeFolder(
  request: MaterialiseRequest,
  { built, files, memoryLimit, log }: Work,
): Promise<MaterialiseResult> {
  const database = await openDatabase({ memoryLimit, files, folders: [built] });
  try {
    log('reading', { files: files.map(pathInStore) });
    const columns = await loadUserTable(
      database,
      { files, format: request.source.format, sql: request.sql },
      'selected',
    );
    const dropped = await createFeatureTable(database, request, columns);
    log('checking');
    const warnings = await runChecks(database, 'features', request);
    if (dropped > 0n) warnings.unshift(`${dropped} rows without a time were left out`);
    await database.run(
      `COPY (SELECT * FROM features ORDER BY __event, __row) TO ${literal(join(built, 'part-0.parquet'))} (FORMAT parquet, COMPRESSION zstd)`,
    );
    const result = await resultOf(database, { built, outputDir: request.outputDir, warnings });
    await writeFile(
      join(built, 'manifest.json'),
      JSON.stringify(
        { result, featureSet: request.featureSet, definition: request.definition, run: request.run },
        undefined,
        2,
      ),
    );
    if (await publishFolder(built, request.outputDir)) return result;
    const winner = await finishedResult(request.outputDir);
    if (winner !== undefined) return winner;
    throw new BatchError(
      'StoreNotWritable',
      `${pathInStore(request.outputDir)} holds files that are not of a materialisation; remove them, or raise run`,
    );
  } finally {
    await database.close();
  }
}

/** @returns how many rows had no time. */
async function createFeatureTable(
  database: Database,
  request: MaterialiseRequest,
  columns: readonly Column[],
): Promise<bigint> {
  const { entities, features, time } = request;
  const plain = features.filter((feature) => feature.window === undefined);
  const sources = [...new Set(features.flatMap(({ window }) => (window === undefined ? [] : [window.of])))];
  const times = [time.event, ...(time.known === undefined ? [] : [time.known])];
  const needed = [...entities, ...plain].map((column) => column.name);
  requireColumns(columns, [...needed, ...sources, ...times], 'what the transform gives');
  const expressions = [
    ...(await Promise.all(
      [...entities, ...plain].map(
        async (column) =>
          `${await typedExpression(database, 'selected', columns, column)} AS ${identifier(column.name)}`,
      ),
    )),
    ...(await windowSources(
      database,
      columns,
      sources.filter((name) => !needed.includes(name)),
    )),
    `${await timeExpression(database, 'selected', columns, time.event)} AS __event`,
    `${await timeExpression(database, 'selected', columns, time.known ?? time.event)} AS __known`,
    '__row',
  ];
  await database.run(
    `CREATE TABLE features AS SELECT * FROM (SELECT ${expressions.join(', ')} FROM selected) WHERE isfinite(__event) AND isfinite(__known)`,
  );
  const [counts] = await database.rows<{ kept: bigint; all: bigint }>(
    'SELECT (SELECT count(*) FROM features) AS kept, (SELECT count(*) FROM selected) AS "all"',
  );
  await database.run('DROP TABLE selected');
  if (counts === undefined || counts.kept === 0n) {
    throw new BatchError(
      'TableEmpty',
      `The transform gives ${counts?.all ?? 0} rows, and none of them has a time in ${list(times)}`,
    );
  }
  return counts.all - counts.kept;
}

async function windowSources(
  database: Database,
  columns: readonly Column[],
  names: readonly string[],
): Promise<string[]> {
  return Promise.all(
    names.map(
      async (name) =>
        `${await typedExpression(database, 'selected', columns, { name, type: 'Float64' })} AS ${identifier(name)}`,
    ),
  );
}

async function resultOf(
  database: Database,
  { built, outputDir, warnings }: { built: string; outputDir: string; warnings: string[] },
): Promise<MaterialiseResult> {
  const text = (column: string) => `strftime(max(${column}), '%Y-%m-%dT%H:%M:%S.%fZ')`;
  const [summary] = await database.rows<{ rows: bigint; event: string; known: string }>(
    `SELECT count(*) AS rows, ${text('__event')} AS event, ${text('__known')} AS known FROM features`,
  );
  const { digest, bytes } = await digestOf(built);
  const watermark = summary === undefined ? {} : { watermark: { event: summary.event, known: summary.known } };
  return {
    ok: true,
    path: pathInStore(outputDir),
    rows: Number(summary?.rows ?? 0n),
    bytes,
    digest,
    ...watermark,
    warnings,
  };
}
