/** What a metric comes to on the rows that it was given. */
export type Measurement =
  | { readonly value: number; readonly counts: Counts }
  /** A sentence's end: "… because <why>". */
  | { readonly undefinedBecause: string; readonly counts: Counts };

/** What the value was computed from, by name. */
export type Counts = Readonly<Record<string, number>>;

/** A metric over rows that come in batches. */
export interface Metric<Batch> {
  add(batch: Batch): void;
  measure(): Measurement;
}

/** Rows of which each belongs to one class. */
export interface ClassBatch {
  /** The number of its class for each row, from 0. */
  readonly labels: readonly number[];
  readonly classes: number;
  /** For each row the probability of each class, row by row. */
  readonly probabilities: Float64Array;
}

/** Rows of which each has a number. */
export interface NumberBatch {
  readonly labels: readonly number[];
  readonly predictions: Float64Array;
}

/** A value that JSON has; sums of huge numbers may leave it. */
export function measured(value: number, counts: Counts): Measurement {
  if (Number.isFinite(value)) return { value, counts };
  return { undefinedBecause: 'the numbers are too large to be added up', counts };
}
