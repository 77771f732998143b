/** How the bench writes down who took what. */
export interface Row<T> {
  readonly name: string;
  /** Of each round; none where all failed. */
  readonly results: readonly T[];
}

/** Undefined where there is no such figure. */
type Column<T> = (result: T) => number | undefined;

/** One row a contender, of medians; behind each figure that of the first row divided by it. */
export function printTable<T>(
  title: string,
  rows: readonly Row<T>[],
  columns: Readonly<Record<string, Column<T>>>,
): void {
  const [first] = rows;
  const cells = rows.map((row) => [
    row.name,
    ...Object.values(columns).map((column) => cell(medianOf(first, column), medianOf(row, column))),
  ]);
  const lines = [['(ours / it)', ...Object.keys(columns)], ...cells];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  const padded = (line: readonly string[]) =>
    line.map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0)));
  console.log(`\n${title}\n${lines.map((line) => `  ${padded(line).join('   ')}`).join('\n')}`);
}

function medianOf<T>(row: Row<T> | undefined, column: Column<T>): number | undefined {
  const values = row?.results.map(column).filter((value) => value !== undefined) ?? [];
  return values.length === 0 ? undefined : quantile(values, 0.5);
}

function cell(first: number | undefined, value: number | undefined): string {
  return value === undefined || first === undefined ? '-' : `${significant(value)} (${(first / value).toFixed(2)})`;
}

function significant(value: number): string {
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

/** The value below which `q` of them are; 0 of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0;
}
