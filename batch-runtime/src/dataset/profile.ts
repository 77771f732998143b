/** What the columns of each split look like: the reference that later data is compared with. */
import { identifier } from '../tables/database.ts';
import type { Database } from '../tables/database.ts';
import type { Column } from '../tables/user-query.ts';
import { SPLITS } from './split.ts';

const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99];
const TOP_VALUES = 20;
/** Infinite numbers have no deviation and squares of huge ones do not fit a DOUBLE: DuckDB refuses both, so they are left out. */
const STANDARD_DEVIATION = 'stddev_samp(x) FILTER (isfinite(x) AND abs(x) < 1e150)';

/** Split -> column -> counts, and for numbers moments and quantiles, for others the most frequent values. */
export async function profileRows(
  database: Database,
  columns: readonly Column[],
): Promise<Record<string, Record<string, object>>> {
  const profile: Record<string, Record<string, object>> = {};
  for (const split of SPLITS) {
    const entries: Record<string, object> = {};
    for (const column of columns) entries[column.name] = await profileColumn(database, column, split);
    profile[split] = entries;
  }
  return profile;
}

async function profileColumn(database: Database, { name, type }: Column, split: string): Promise<object> {
  const column = identifier(name);
  const rows = `(SELECT ${column} AS v FROM queries WHERE __split = '${split}')`;
  const [counts] = await database.rows<Record<string, bigint>>(
    `SELECT count(*) AS rows, count(*) - count(v) AS nulls, count(DISTINCT v) AS "distinct" FROM ${rows}`,
  );
  const common = { type, ...asNumbers(counts ?? {}) };
  if (/INT|FLOAT|DOUBLE|DECIMAL|BOOLEAN/.test(type)) {
    const quantiles = QUANTILES.map(
      (q) => `quantile_cont(x, ${q}) AS p${String(Math.round(q * 100)).padStart(2, '0')}`,
    );
    const [numbers] = await database.rows<Record<string, unknown>>(
      `SELECT avg(x) AS mean, ${STANDARD_DEVIATION} AS std, min(x) AS min, max(x) AS max, ${quantiles.join(', ')} FROM (SELECT CAST(v AS DOUBLE) AS x FROM ${rows})`,
    );
    return { ...common, ...numbers };
  }
  const top = await database.rows<{ value: string; n: bigint }>(
    `SELECT CAST(v AS VARCHAR) AS value, count(*) AS n FROM ${rows} WHERE v IS NOT NULL GROUP BY v ORDER BY n DESC, value LIMIT ${TOP_VALUES}`,
  );
  return { ...common, top: top.map(({ value, n }) => ({ value, rows: Number(n) })) };
}

function asNumbers(values: Readonly<Record<string, bigint>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, Number(value)]));
}
