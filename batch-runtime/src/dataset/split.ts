import type { BuildDatasetRequest } from '@slipway/crds/batch';
import { BatchError } from '../failure.ts';
import { literal } from '../tables/database.ts';
import type { Database } from '../tables/database.ts';
import { interval, microseconds } from '../tables/durations.ts';

export const SPLITS = ['train', 'validation', 'test'] as const;
export type Split = (typeof SPLITS)[number];

export interface SplitCounts {
  readonly rows: Readonly<Record<Split, number>>;
  readonly gap: number;
  readonly labelKnownTooLate: number;
}

/** Adds `__split` to the table `queries`; rows of no split, which are counted, are removed. @throws {BatchError} SplitEmpty */
export async function splitRows(database: Database, { split, rows }: BuildDatasetRequest): Promise<SplitCounts> {
  const validation = instant(split.validationFrom);
  const test = split.testFrom === undefined ? `'infinity'::TIMESTAMPTZ` : instant(split.testFrom);
  const gap = interval(microseconds(split.gap));
  // A label that became known after the next split begins was not there to learn from at that moment.
  const late = (border: string) =>
    rows.label.knownAt === undefined ? 'false' : `(__known IS NULL OR __known > ${border})`;
  await database.run(`ALTER TABLE queries ADD COLUMN __split VARCHAR`);
  await database.run(`UPDATE queries SET __split = CASE
    WHEN __t >= ${test} THEN 'test'
    WHEN __t >= ${validation} THEN CASE WHEN __t >= ${test} - ${gap} THEN 'gap' WHEN ${late(test)} THEN 'late' ELSE 'validation' END
    WHEN __t >= ${validation} - ${gap} THEN 'gap'
    WHEN ${late(validation)} THEN 'late'
    ELSE 'train' END`);
  const found = await database.rows<{ name: string; n: bigint }>(
    'SELECT __split AS name, count(*) AS n FROM queries GROUP BY __split',
  );
  const count = (name: string) => Number(found.find((entry) => entry.name === name)?.n ?? 0n);
  const counts = { train: count('train'), validation: count('validation'), test: count('test') };
  await refuseEmpty(database, counts, split.testFrom !== undefined);
  await database.run(`DELETE FROM queries WHERE __split IN ('gap', 'late')`);
  return { rows: counts, gap: count('gap'), labelKnownTooLate: count('late') };
}

async function refuseEmpty(database: Database, counts: Record<Split, number>, wantsTest: boolean): Promise<void> {
  const empty = SPLITS.filter((name) => counts[name] === 0 && (name !== 'test' || wantsTest));
  if (empty.length === 0) return;
  const [range] = await database.rows<{ first: Date; last: Date }>(
    'SELECT min(__t) AS first, max(__t) AS last FROM queries',
  );
  const span =
    range === undefined ? '' : `; the rows reach from ${range.first.toISOString()} to ${range.last.toISOString()}`;
  throw new BatchError(
    'SplitEmpty',
    `No row falls into ${empty.join(' and ')}${span}; change validationFrom, testFrom or gap`,
  );
}

function instant(text: string): string {
  return `${literal(text)}::TIMESTAMPTZ`;
}
