/** A row of the table: what is measured, and what it should be. */
export interface Row {
  readonly number: number;
  /** Rows of the table that take long run only when they are named. */
  readonly isLong?: boolean;
  readonly what: string;
  measure(options: RowOptions): Promise<readonly Figure[]>;
}

export interface RowOptions {
  /** How long the soak lasts. */
  readonly minutes: number;
}

export interface Figure {
  readonly what: string;
  readonly value: number;
  /** How the value and its bounds are written. */
  readonly unit: Unit;
  /** undefined: it is there to explain the others. */
  readonly ask?: number;
  readonly stretch?: number;
  readonly isSmallerBetter?: boolean;
  /** What it was made of. */
  readonly from: string;
}

type Unit = 'ratio' | 'times' | 'milliseconds' | 'percent' | 'mebibytes';

const WRITTEN: Readonly<Record<Unit, (value: number) => string>> = {
  ratio: (value) => value.toFixed(2),
  times: (value) => `${value.toFixed(value < 10 ? 1 : 0)}x`,
  milliseconds: (value) => `${value.toFixed(2)} ms`,
  percent: (value) => `${value >= 0 ? '+' : ''}${value.toFixed(0)} %`,
  mebibytes: (value) => `${value.toFixed(2)} MiB`,
};

/** A row of a table in Markdown, so that docs/performance/serving.md takes it as it is. */
export function figureLine(number: number, figure: Figure): string {
  const write = (value: number | undefined) =>
    value === undefined || Number.isNaN(value) ? '' : WRITTEN[figure.unit](value);
  const cells = [number, figure.what, write(figure.value), write(figure.ask), write(figure.stretch), verdict(figure)];
  return `| ${[...cells, figure.from].join(' | ')} |`;
}

export const TABLE_HEAD = '| # | what | figure | ask | stretch | | from |\n|---|---|---|---|---|---|---|';

function verdict({ value, ask, stretch, isSmallerBetter = false }: Figure): string {
  const reaches = (bound: number) => (isSmallerBetter ? value <= bound : value >= bound);
  if (ask === undefined) return '';
  if (stretch !== undefined && reaches(stretch)) return 'stretch';
  return reaches(ask) ? 'met' : '**missed**';
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Each of them once a round, so that what else the machine does meets all of them. */
export async function byTurns<T>(rounds: number, round: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let turn = 0; turn < rounds; turn += 1) results.push(await round());
  return results;
}

export function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en-US')}/s`;
}
