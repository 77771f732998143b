/** The point-in-time join by its definition: every row of a FeatureSet is looked at for every prediction. */
export interface FeatureRow {
  /** One value a key column; a null never matches. */
  readonly keys: readonly (string | null)[];
  /** Microseconds since 1970, as the next one. */
  readonly event: number;
  readonly known: number;
  readonly value: number | null;
}

export interface Prediction {
  readonly keys: readonly (string | null)[];
  readonly at: number;
}

export type WindowFunction = 'Mean' | 'Sum' | 'Min' | 'Max' | 'Count';

function usable(rows: readonly FeatureRow[], { keys, at }: Prediction, ttl: number): FeatureRow[] {
  return rows.filter(
    (row) =>
      row.keys.every((key, index) => key !== null && key === keys[index]) &&
      row.event <= at &&
      row.known <= at &&
      row.event >= at - ttl,
  );
}

/** The value of the winner: greatest event, then greatest known, then the last row; null where no row may be used. */
export function latestValue(rows: readonly FeatureRow[], prediction: Prediction, ttl: number): number | null {
  let winner: FeatureRow | undefined;
  for (const row of usable(rows, prediction, ttl)) {
    const wins =
      winner === undefined || row.event > winner.event || (row.event === winner.event && row.known >= winner.known);
    if (wins) winner = row;
  }
  return winner?.value ?? null;
}

const AGGREGATES: Readonly<Record<WindowFunction, (values: readonly number[]) => number | null>> = {
  Count: (values) => values.length,
  Sum: (values) => (values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0)),
  Mean: (values) => (values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length),
  Min: (values) => (values.length === 0 ? null : Math.min(...values)),
  Max: (values) => (values.length === 0 ? null : Math.max(...values)),
};

/** The aggregate over events in (at - range, at]; null for a prediction with a null key. */
export function windowValue(
  rows: readonly FeatureRow[],
  prediction: Prediction,
  { ttl, range, computes }: { ttl: number; range: number; computes: WindowFunction },
): number | null {
  if (prediction.keys.includes(null)) return null;
  const values = usable(rows, prediction, ttl)
    .filter(({ event }) => event > prediction.at - range)
    .flatMap(({ value }) => (value === null ? [] : [value]));
  return AGGREGATES[computes](values);
}
