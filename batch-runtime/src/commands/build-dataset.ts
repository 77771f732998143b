import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BuildDatasetRequest, BuildDatasetResult } from '@slipway/crds/batch';
import { findLeaks } from '../dataset/leaks.ts';
import { joinFeatures } from '../dataset/join-features.ts';
import { profileRows } from '../dataset/profile.ts';
import { createQueries } from '../dataset/rows.ts';
import { datasetColumns } from '../dataset/schema.ts';
import type { SchemaColumn } from '../dataset/schema.ts';
import { splitRows, SPLITS } from '../dataset/split.ts';
import type { SplitCounts } from '../dataset/split.ts';
import { BatchError } from '../failure.ts';
import { digestOf } from '@slipway/crds/digest';
import { publishFolder, withBuildFolder } from '../files/publish.ts';
import { pathInStore } from '../files/store-path.ts';
import { identifier, literal, openDatabase } from '../tables/database.ts';
import type { Database } from '../tables/database.ts';
import { findSourceFiles } from '../tables/source-files.ts';
import { loadUserTable, tableColumns } from '../tables/user-query.ts';
import type { Column, SourceTable } from '../tables/user-query.ts';
import type { TableCommandOptions } from './materialise.ts';

/** Joins the features onto the rows as they were known at each prediction, and writes the splits, their schema and their profile. */
export async function buildDataset(
  request: BuildDatasetRequest,
  { memoryLimit, log }: TableCommandOptions,
): Promise<BuildDatasetResult> {
  const { source } = request.rows;
  const files = findSourceFiles(source.dir, source.path);
  const featureFiles = request.features.map((feature) => findSourceFiles(feature.dir, 'part-*.parquet'));
  return withBuildFolder(join(request.outputParent, 'dataset'), (built) =>
    writeFolder(request, { built, files, featureFiles, memoryLimit, log }),
  );
}

interface Work extends TableCommandOptions {
  readonly built: string;
  readonly files: readonly string[];
  readonly featureFiles: readonly (readonly string[])[];
}

async function writeFolder(
  request: BuildDatasetRequest,
  { built, files, featureFiles, memoryLimit, log }: Work,
): Promise<BuildDatasetResult> {
  const { source, sql, label } = request.rows;
  log('reading', { files: files.map(pathInStore) });
  const scratch = await mkdtemp(join(tmpdir(), 'rows-'));
  const database = await openDatabase({ memoryLimit, files: featureFiles.flat(), folders: [built, scratch] });
  try {
    const columns = await loadRows(database, { scratch, files, format: source.format, sql, memoryLimit });
    const { timeNull, labelNull } = await createQueries(database, request, columns);
    for (const [index, feature] of request.features.entries()) {
      log('joining', { featureSet: feature.featureSet });
      await joinFeatures(database, feature, featureFiles[index] ?? []);
    }
    const split = await splitRows(database, request);
    const schema = datasetColumns(request, await tableColumns(database, 'queries'));
    log('checking', { rows: split.rows });
    const warnings = await leakWarnings(database, schema, label);
    await writeDataset(database, { schema, folder: built });
    const { digest, bytes } = await digestOf(built);
    const folder = join(request.outputParent, digest.replace(':', '-'));
    await publishFolder(built, folder);
    return {
      ok: true,
      path: pathInStore(folder),
      digest,
      bytes,
      rows: { ...split.rows },
      dropped: dropped({ timeNull, labelNull }, split),
      warnings,
    };
  } finally {
    await database.close();
    await rm(scratch, { recursive: true, force: true });
  }
}

interface RowSource extends SourceTable {
  readonly scratch: string;
  readonly memoryLimit: number;
}

/**
 * Runs the person's SELECT in a database that can reach its own files only, not the features: it is handed on as a database
 * file, so that every type stays what it is.
 */
async function loadRows(database: Database, { scratch, memoryLimit, ...source }: RowSource): Promise<Column[]> {
  const file = join(scratch, 'rows.duckdb');
  const sandbox = await openDatabase({ memoryLimit, files: source.files, folders: [], file });
  try {
    await loadUserTable(sandbox, source, 'selected');
  } finally {
    await sandbox.close();
  }
  await database.run(`ATTACH ${literal(file)} AS handed (READ_ONLY)`);
  await database.run('CREATE TABLE selected AS SELECT * FROM handed.selected ORDER BY __row');
  await database.run('DETACH handed');
  return (await tableColumns(database, 'selected')).filter(({ name }) => name !== '__row');
}

function dropped(
  nulls: { timeNull: number; labelNull: number },
  { gap, labelKnownTooLate }: SplitCounts,
): Record<string, number> {
  return Object.fromEntries(Object.entries({ ...nulls, gap, labelKnownTooLate }).filter(([, count]) => count > 0));
}

async function leakWarnings(
  database: Database,
  schema: readonly SchemaColumn[],
  label: BuildDatasetRequest['rows']['label'],
): Promise<string[]> {
  const suspects = schema.filter(({ role }) => role === 'request' || role === 'feature' || role === 'label');
  const leaks = await findLeaks(database, suspects, label.column);
  if (leaks.length > 0 && label.onLeak === 'Fail') {
    throw new BatchError(
      'LabelLeak',
      `${leaks.join('; ')}: was it known before the label? Look at time.known of its FeatureSet. If it was, set label.onLeak to Warn`,
    );
  }
  return leaks;
}

async function writeDataset(
  database: Database,
  { schema, folder }: { schema: readonly SchemaColumn[]; folder: string },
): Promise<void> {
  const columns = schema.map(({ name, role }) => (role === 'time' ? `__t AS ${identifier(name)}` : identifier(name)));
  for (const split of SPLITS) {
    await mkdir(join(folder, split));
    const path = literal(join(folder, split, 'part-0.parquet'));
    await database.run(
      `COPY (SELECT ${columns.join(', ')} FROM queries WHERE __split = '${split}' ORDER BY __q) TO ${path} (FORMAT parquet, COMPRESSION zstd)`,
    );
  }
  const profile = await profileRows(
    database,
    schema.filter(({ role }) => role !== 'time'),
  );
  await writeFile(join(folder, 'schema.json'), `${JSON.stringify({ columns: schema }, undefined, 2)}\n`);
  await writeFile(join(folder, 'profile.json'), `${JSON.stringify(profile, undefined, 2)}\n`);
}
