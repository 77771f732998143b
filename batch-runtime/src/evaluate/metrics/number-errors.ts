import { measured } from './measurement.ts';
import type { Measurement, NumberBatch } from './measurement.ts';
import { createSum } from './sum.ts';

/** How far predicted numbers are from those that the rows have. */
export interface NumberErrors {
  add(batch: NumberBatch): void;
  /** Root of the mean squared error: 0 and more, in the unit of the label; lower is better. */
  rootMeanSquaredError(): Measurement;
  /** Mean of |prediction - label|: 0 and more, in the unit of the label; lower is better. */
  meanAbsoluteError(): Measurement;
  /**
   * 1 - the sum of squared errors / the sum of squared distances of the labels from their mean (coefficient of determination;
   * Wright 1921). 1 at best; 0 is what predicting the mean of these rows gives, and worse is negative.
   *
   * Undefined when all labels are equal: there is nothing to explain. (scikit-learn says 0 or 1 then, which a gate would believe.)
   */
  r2(): Measurement;
}

export function createNumberErrors(): NumberErrors {
  const squares = createSum();
  const absolutes = createSum();
  let rows = 0;
  // Distances from the first label, whose squares have digits to lose where labels are far from 0.
  let first = 0;
  const distances = createSum();
  const mean = () => (rows === 0 ? 0 : distances.total() / rows);
  // Of the distances around their mean so far (Welford 1962).
  const spread = createSum();
  const counts = () => ({ rows });
  return {
    add: ({ labels, predictions }) => {
      for (const [row, label] of labels.entries()) {
        const error = (predictions[row] ?? Number.NaN) - label;
        squares.add(error ** 2);
        absolutes.add(Math.abs(error));
        if (rows === 0) first = label;
        const distance = label - first;
        const before = mean();
        distances.add(distance);
        rows += 1;
        spread.add((distance - before) * (distance - mean()));
      }
    },
    rootMeanSquaredError: () => measured(Math.sqrt(squares.total() / rows), counts()),
    meanAbsoluteError: () => measured(absolutes.total() / rows, counts()),
    r2: () => {
      if (spread.total() === 0) return { undefinedBecause: `all labels are ${first}`, counts: counts() };
      return measured(1 - squares.total() / spread.total(), counts());
    },
  };
}
