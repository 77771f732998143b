/**
 * The table of the model server: `npm run bench -- serving`. Without `--rows`, those that take no more than a minute each. It prints docs/performance/serving.md's rows.
 */
import type { Options } from './options.ts';
import { ECHO } from './serving/rows/echo.ts';
import { LATENCY, THROUGHPUT } from './serving/rows/against-naive.ts';
import { AGAINST_PYTHON } from './serving/rows/against-python.ts';
import { AGAINST_RAW } from './serving/rows/against-raw.ts';
import { HEALTH } from './serving/rows/health.ts';
import { JSON_BODY } from './serving/rows/json.ts';
import { SOAK } from './serving/rows/soak.ts';
import { figureLine, TABLE_HEAD } from './serving/row.ts';
import type { Row } from './serving/row.ts';

const ROWS: readonly Row[] = [
  ECHO,
  THROUGHPUT,
  ...AGAINST_RAW,
  LATENCY,
  HEALTH,
  JSON_BODY,
  AGAINST_PYTHON,
  SOAK,
].toSorted((a, b) => a.number - b.number);

export async function benchServing({ rows, minutes }: Options): Promise<void> {
  console.log(TABLE_HEAD);
  for (const row of ROWS.filter(({ number, isLong = false }) => rows?.includes(number) ?? !isLong)) {
    try {
      for (const figure of await row.measure({ minutes })) console.log(figureLine(row.number, figure));
    } catch (cause) {
      // The others are worth having without it.
      console.log(`| ${row.number} | ${row.what} | failed: ${String(cause)} |`);
      process.exitCode = 1;
    }
  }
}
