/** The rows of a Dataset: what the SELECT gives, typed, with the moment of each prediction. */
import type { BuildDatasetRequest } from '@slipway/crds/batch';
import { BatchError } from '../failure.ts';
import { timeExpression, typedExpression } from '../tables/column-types.ts';
import { identifier, list } from '../tables/database.ts';
import type { Database } from '../tables/database.ts';
import { interval, microseconds } from '../tables/durations.ts';
import { requireColumns } from '../tables/user-query.ts';
import type { Column } from '../tables/user-query.ts';

export interface DroppedRows {
  readonly timeNull: number;
  readonly labelNull: number;
}

/**
 * Makes the table `queries` of the table `selected`: keys in the types of the entities that they name, `__t` the moment of the
 * prediction, `__known` when the label became known, `__q` the order of the rows.
 */
export async function createQueries(
  database: Database,
  request: BuildDatasetRequest,
  columns: readonly Column[],
): Promise<DroppedRows> {
  const { keys, at, request: requestColumns, label } = request.rows;
  const known = label.knownAt === undefined ? [] : [label.knownAt];
  requireColumns(columns, [...keys, at.column, ...requestColumns, label.column, ...known], 'the rows');
  refuseClashes(request);
  refuseNested(columns, [...requestColumns, label.column]);
  const keyExpressions = await Promise.all(keys.map((name) => keyExpression(database, columns, name, request)));
  const time = await timeExpression(database, 'selected', columns, at.column);
  const knownAt =
    label.knownAt === undefined
      ? 'NULL::TIMESTAMPTZ'
      : await timeExpression(database, 'selected', columns, label.knownAt);
  const carried = [...new Set([...requestColumns, label.column])].map((name) => identifier(name));
  await database.run(
    `CREATE TABLE typed AS SELECT ${[...keyExpressions, ...carried].join(', ')}, ${time} + ${interval(microseconds(at.offset))} AS __t, ${knownAt} AS __known, __row AS __q FROM selected`,
  );
  await database.run('DROP TABLE selected');
  const [counts] = await database.rows<{ all: bigint; time: bigint; label: bigint }>(
    `SELECT count(*) AS "all", count(*) FILTER (__t IS NULL) AS time, count(*) FILTER (__t IS NOT NULL AND ${identifier(label.column)} IS NULL) AS label FROM typed`,
  );
  const { all = 0n, time: timeNull = 0n, label: labelNull = 0n } = counts ?? {};
  if (all === 0n) throw new BatchError('TableEmpty', 'The rows are empty; look at the files and at the transform');
  if (labelNull > 0n && label.onNull === 'Fail') {
    throw new BatchError(
      'LabelNull',
      `${labelNull} of ${all} rows have no ${label.column}; leave them out in the transform, or set label.onNull to Drop`,
    );
  }
  await database.run(
    `CREATE TABLE queries AS SELECT * FROM typed WHERE __t IS NOT NULL AND ${identifier(label.column)} IS NOT NULL ORDER BY __q`,
  );
  await database.run('DROP TABLE typed');
  return { timeNull: Number(timeNull), labelNull: Number(labelNull) };
}

async function keyExpression(
  database: Database,
  columns: readonly Column[],
  name: string,
  { features }: BuildDatasetRequest,
): Promise<string> {
  const entity = features.flatMap((feature) => feature.entities).find((candidate) => candidate.name === name);
  if (entity === undefined) return identifier(name);
  return `${await typedExpression(database, 'selected', columns, entity)} AS ${identifier(name)}`;
}

/** Models take values, not lists and structures of them. */
function refuseNested(columns: readonly Column[], names: readonly string[]): void {
  const simple =
    /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(\d+,\d+\)|BOOLEAN|VARCHAR|UUID|DATE|TIMESTAMP[A-Z_ ]*|ENUM\([^\]]*\))$/;
  const nested = columns.find(({ name, type }) => names.includes(name) && !simple.test(type));
  if (nested === undefined) return;
  throw new BatchError(
    'TypeMismatch',
    `column "${nested.name}" is of the type ${nested.type}; make it a number, a text, a truth or a time in the transform`,
  );
}

/** Every column of the result has one meaning. */
function refuseClashes({ rows, features }: BuildDatasetRequest): void {
  const missing = features.flatMap((feature) =>
    feature.entities
      .filter((entity) => !rows.keys.includes(entity.name))
      .map((entity) => `${entity.name} (of ${feature.featureSet})`),
  );
  if (missing.length > 0)
    throw new BatchError(
      'ColumnNotFound',
      `rows.keys must name the entities of every FeatureSet; missing: ${missing.join(', ')}`,
    );
  const names = [
    ...rows.keys,
    rows.at.column,
    ...rows.request,
    rows.label.column,
    ...features.flatMap((feature) => feature.select.map((column) => column.name)),
  ];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) {
    throw new BatchError(
      'RequestInvalid',
      `The column ${list([twice])} would be there twice; rename it in a transform, or leave it out with select`,
    );
  }
}
