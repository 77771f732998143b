/**
 * Looks for a column that tells the label by itself, as no honest one does: what was known before cannot know it. A column is
 * suspect when it ranks a label of two values with an area under the ROC curve of at least 0.995 (either way round), when its
 * ranks and those of a numeric label correlate by at least 0.995 (Spearman), or when its few values determine the label.
 */
import { identifier } from '../tables/database.ts';
import type { Database } from '../tables/database.ts';
import type { Column } from '../tables/user-query.ts';

const SUSPECT = 0.995;
const MIN_ROWS = 100;
/** Of the rarer label: one row among hundreds is told apart by many columns, by chance. */
const MIN_ROWS_A_VALUE = 5;
/** A column of few values is suspect when it leaves less than this share of the errors that guessing leaves. */
const ERRORS_LEFT = 0.02;

/** Sentences about the suspect columns of the table `queries`, those of the test split left alone. */
export async function findLeaks(database: Database, columns: readonly Column[], label: string): Promise<string[]> {
  await database.run(`CREATE TABLE labelled AS SELECT * FROM queries WHERE __split <> 'test'`);
  const [{ n, values } = { n: 0n, values: 0n }] = await database.rows<{ n: bigint; values: bigint }>(
    `SELECT count(*) AS n, count(DISTINCT ${identifier(label)}) AS values FROM labelled`,
  );
  const leaks: string[] = [];
  if (n >= MIN_ROWS && values > 1n) {
    const labelType = columns.find((column) => column.name === label)?.type ?? '';
    const labelRank = rankOfLabel(identifier(label), values === 2n, isNumeric(labelType));
    for (const column of columns.filter(({ name }) => name !== label)) {
      const found = await suspicion(database, column, { label, labelRank, binary: values === 2n });
      if (found !== undefined) leaks.push(found);
    }
  }
  await database.run('DROP TABLE labelled');
  return leaks;
}

interface Label {
  readonly label: string;
  readonly labelRank: string | undefined;
  readonly binary: boolean;
}

async function suspicion(database: Database, column: Column, label: Label): Promise<string | undefined> {
  const { labelRank, binary } = label;
  if (labelRank !== undefined && isOrdered(column.type)) {
    const found = await (binary ? ranking : correlation)(database, column.name, labelRank);
    if (found !== undefined) return found;
  }
  return determination(database, column.name, label.label);
}

/** Two values are 1 and 2; numbers have their rank, equal ones the mean of theirs, as Spearman's correlation wants it. */
function rankOfLabel(label: string, binary: boolean, numeric: boolean): string | undefined {
  if (binary) return `dense_rank() OVER (ORDER BY ${label})`;
  return numeric ? meanRank(label) : undefined;
}

function meanRank(value: string): string {
  return `rank() OVER (ORDER BY ${value}) + (count(*) OVER (PARTITION BY ${value}) - 1) / 2.0`;
}

function isNumeric(type: string): boolean {
  return /INT|FLOAT|DOUBLE|DECIMAL|BOOLEAN/.test(type);
}

function isOrdered(type: string): boolean {
  return isNumeric(type) || /^(TIMESTAMP|DATE)/.test(type);
}

/** Ranks with the mean for equals, and the label. */
function ranked(name: string, labelRank: string): string {
  const value = identifier(name);
  return `SELECT ${meanRank(value)} AS r, ${labelRank} AS y FROM labelled WHERE ${value} IS NOT NULL`;
}

async function ranking(database: Database, name: string, labelRank: string): Promise<string | undefined> {
  const [found] = await database.rows<{ n0: bigint; n1: bigint; s: number | null }>(
    `SELECT count(*) FILTER (y = 1) AS n0, count(*) FILTER (y = 2) AS n1, sum(r) FILTER (y = 2) AS s FROM (${ranked(name, labelRank)})`,
  );
  const [n0, n1] = [Number(found?.n0 ?? 0n), Number(found?.n1 ?? 0n)];
  if (n0 + n1 < MIN_ROWS || Math.min(n0, n1) < MIN_ROWS_A_VALUE) return undefined;
  const area = ((found?.s ?? 0) - (n1 * (n1 + 1)) / 2) / (n0 * n1);
  const best = Math.max(area, 1 - area);
  return best >= SUSPECT ? `${name} alone ranks the label with an AUC of ${best.toFixed(4)}` : undefined;
}

async function correlation(database: Database, name: string, labelRank: string): Promise<string | undefined> {
  const [found] = await database.rows<{ n: bigint; c: number | null }>(
    `SELECT count(*) AS n, corr(r, y) AS c FROM (${ranked(name, labelRank)})`,
  );
  const strength = Math.abs(found?.c ?? 0);
  if ((found?.n ?? 0n) < MIN_ROWS || !(strength >= SUSPECT)) return undefined;
  return `${name} alone orders the rows as the label does (rank correlation ${strength.toFixed(4)})`;
}

async function determination(database: Database, name: string, label: string): Promise<string | undefined> {
  const [column, y] = [identifier(name), identifier(label)];
  const [found] = await database.rows<{ n: bigint; right: bigint; values: bigint; guess: bigint }>(
    `WITH counts AS (SELECT ${column} AS v, ${y} AS y, count(*) AS n FROM labelled WHERE ${column} IS NOT NULL GROUP BY ALL),
       best AS (SELECT v, max(n) AS n FROM counts GROUP BY v),
       totals AS (SELECT y, sum(n) AS n FROM counts GROUP BY y)
     SELECT CAST((SELECT sum(n) FROM counts) AS BIGINT) AS n, CAST((SELECT sum(n) FROM best) AS BIGINT) AS right,
       (SELECT count(*) FROM best) AS values, CAST((SELECT max(n) FROM totals) AS BIGINT) AS guess`,
  );
  const [n, right, values, guess] = [found?.n, found?.right, found?.values, found?.guess].map((value) =>
    Number(value ?? 0n),
  ) as [number, number, number, number];
  const fewValues = values * 10 <= n;
  const wrong = n - right;
  if (n < MIN_ROWS || !fewValues || n - guess < MIN_ROWS_A_VALUE || wrong > ERRORS_LEFT * (n - guess)) return undefined;
  return `${name} alone determines the label in ${((100 * right) / n).toFixed(2)} % of the rows`;
}
