/** The checks of a FeatureSet, taken of one materialisation before anybody can use it. */
import type { MaterialiseRequest } from '@slipway/crds/batch';
import { BatchError } from '../failure.ts';
import type { Database } from '../tables/database.ts';
import { identifier } from '../tables/database.ts';

type FeatureCheck = MaterialiseRequest['checks'][number];

interface Measured {
  readonly rows: bigint;
  readonly nulls: bigint;
  readonly bad: bigint;
}

/** Sets bad values to null where a check says so; returns what failed and may be used all the same. @throws {BatchError} CheckFailed */
export async function runChecks(
  database: Database,
  table: string,
  { checks, features }: Pick<MaterialiseRequest, 'checks' | 'features'>,
): Promise<string[]> {
  const warnings: string[] = [];
  for (const declared of checks) {
    const feature = features.find(({ name }) => name === declared.feature);
    refuseBounds(declared, feature);
    // A window has no values yet: what it is computed of is looked at.
    const check = { ...declared, feature: feature?.window?.of ?? declared.feature };
    const measured = await measure(database, table, check);
    const problem = problemOf(check, measured);
    if (problem !== undefined && check.onFailure === 'KeepLast') throw new BatchError('CheckFailed', problem);
    if (problem !== undefined) warnings.push(problem);
    if (check.onBad === 'SetNull' && measured.bad > 0n) {
      await database.run(
        `UPDATE ${identifier(table)} SET ${identifier(check.feature)} = NULL WHERE ${badValue(check)}`,
      );
      warnings.push(
        `${check.feature}: ${measured.bad} of ${measured.rows} values outside ${range(check)} were set to null`,
      );
    }
  }
  return warnings;
}

function refuseBounds(
  { feature, min, max }: FeatureCheck,
  declared: MaterialiseRequest['features'][number] | undefined,
): void {
  if (declared === undefined)
    throw new BatchError('RequestInvalid', `The check of "${feature}" names no feature of the FeatureSet`);
  const numeric = /^(Float|Int)/.test(declared.type);
  if (numeric || (min === undefined && max === undefined)) return;
  throw new BatchError(
    'RequestInvalid',
    `The check of "${feature}" has min or max, which are for numbers; it is a ${declared.type}`,
  );
}

async function measure(database: Database, table: string, check: FeatureCheck): Promise<Measured> {
  const column = identifier(check.feature);
  const [measured] = await database.rows<Measured>(
    `SELECT count(*) AS rows, count(*) FILTER (${column} IS NULL) AS nulls, count(*) FILTER (${badValue(check)}) AS bad FROM ${identifier(table)}`,
  );
  return measured ?? { rows: 0n, nulls: 0n, bad: 0n };
}

/** NaN is never a good number; DuckDB orders it above all others. */
function badValue({ feature, min, max }: FeatureCheck): string {
  const column = identifier(feature);
  const bounds = [
    ...(min === undefined ? [] : [`${column} < ${min}`]),
    ...(max === undefined ? [] : [`${column} > ${max}`]),
  ];
  return bounds.length === 0 ? 'false' : `coalesce(${bounds.join(' OR ')} OR isnan(CAST(${column} AS DOUBLE)), false)`;
}

function problemOf(check: FeatureCheck, { rows, nulls, bad }: Measured): string | undefined {
  const share = (count: bigint) => (rows === 0n ? 0 : Number(count) / Number(rows));
  if (share(bad) > check.maxBadFraction) {
    return `${check.feature}: ${bad} of ${rows} values lie outside ${range(check)} (share ${share(bad).toPrecision(3)}, allowed ${check.maxBadFraction})`;
  }
  if (check.maxNullFraction !== undefined && share(nulls) > check.maxNullFraction) {
    return `${check.feature}: ${nulls} of ${rows} values are null (share ${share(nulls).toPrecision(3)}, allowed ${check.maxNullFraction})`;
  }
  return undefined;
}

function range({ min, max }: FeatureCheck): string {
  if (min === undefined) return `… to ${max}`;
  return max === undefined ? `${min} to …` : `${min} to ${max}`;
}
