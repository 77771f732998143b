/**
 * Aggregates over a window that ends at the moment of the prediction: rows with an event in (t - range, t], known at t, not
 * older than the ttl, whose value is not null.
 *
 * Rows that are known when they happen (known <= event) are aggregated by one pass over features and predictions in the order
 * of time. A row that becomes known later enters a window in the middle of its life, which no such pass can do: those are
 * joined to the predictions that may see them, and both parts are put together.
 */
import { identifier, list } from '../tables/database.ts';
import type { Database } from '../tables/database.ts';
import { interval, microseconds } from '../tables/durations.ts';

export interface WindowFeature {
  readonly table: string;
  readonly name: string;
  readonly window: {
    readonly function: 'Mean' | 'Sum' | 'Min' | 'Max' | 'Count';
    readonly of: string;
    readonly range: string;
  };
  readonly keys: readonly string[];
  readonly ttl: string;
}

/** What a function needs of a part of the window, how two parts are put together, and what it makes of that. */
const FUNCTIONS = {
  Mean: { parts: { s: 'sum', n: 'count' }, result: 'CASE WHEN n > 0 THEN s / n END' },
  Sum: { parts: { s: 'sum' }, result: 's' },
  Min: { parts: { s: 'min' }, result: 's' },
  Max: { parts: { s: 'max' }, result: 's' },
  Count: { parts: { n: 'count' }, result: 'CAST(n AS BIGINT)' },
} as const satisfies Record<string, { parts: Readonly<Record<string, Aggregate>>; result: string }>;

type Aggregate = 'sum' | 'count' | 'min' | 'max';

/** How partial results are put together: counts are added. */
const TOGETHER: Readonly<Record<Aggregate, string>> = { sum: 'sum', count: 'sum', min: 'min', max: 'max' };

/** Makes a table of `__q` and the feature; predictions with a null key are not in it. Returns its name. */
export async function createWindowTable(
  database: Database,
  { table, name, window, keys, ttl }: WindowFeature,
): Promise<string> {
  const reach = interval(reachOf(window.range, ttl));
  const value = `CAST(${identifier(window.of)} AS DOUBLE)`;
  const known = keys.map((key) => `queries.${identifier(key)} IS NOT NULL`).join(' AND ');
  const parts: [name: string, aggregate: Aggregate][] = Object.entries(FUNCTIONS[window.function].parts);
  const names = parts.map(([part]) => part).join(', ');
  const onTime = `SELECT __q, ${names} FROM (
      SELECT __q, ${parts.map(([part, aggregate]) => `${aggregate}(v) OVER reach AS ${part}`).join(', ')} FROM (
        SELECT ${list(keys)}, __event AS ts, ${value} AS v, NULL::BIGINT AS __q FROM feature_rows WHERE __known <= __event
        UNION ALL SELECT ${list(keys)}, __t, NULL, __q FROM queries WHERE ${known})
      WINDOW reach AS (PARTITION BY ${list(keys)} ORDER BY ts RANGE BETWEEN ${reach} PRECEDING AND CURRENT ROW))
    WHERE __q IS NOT NULL`;
  const sameKeys = keys.map((key) => `queries.${identifier(key)} = late.${identifier(key)}`).join(' AND ');
  const late = `SELECT queries.__q, ${parts.map(([part, aggregate]) => `${aggregate}(v) AS ${part}`).join(', ')} FROM queries
    JOIN (SELECT ${list(keys)}, __event, __known, ${value} AS v FROM feature_rows WHERE __known > __event) AS late
      ON ${sameKeys} AND late.__known <= queries.__t AND late.__event >= queries.__t - ${reach}
    GROUP BY queries.__q`;
  await database.run(
    `CREATE TABLE ${table} AS SELECT __q, ${FUNCTIONS[window.function].result} AS ${identifier(name)} FROM (
      SELECT __q, ${parts.map(([part, aggregate]) => `${TOGETHER[aggregate]}(${part}) AS ${part}`).join(', ')} FROM (${onTime} UNION ALL ${late}) GROUP BY __q)`,
  );
  return table;
}

/** How far back the oldest usable event may lie, inclusive, in microseconds; the lower border of a window is exclusive. */
function reachOf(range: string, ttl: string): bigint {
  const window = microseconds(range) - 1n;
  if (ttl === 'Unlimited') return window;
  const limit = microseconds(ttl);
  return limit < window ? limit : window;
}
