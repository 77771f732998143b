import { measured } from './measurement.ts';
import type { ClassBatch, Metric } from './measurement.ts';
import { createSum } from './sum.ts';

/**
 * Mean squared distance of the probabilities from what happened (Brier 1950). Of two classes (p - y)² for the probability p of
 * class 1, from 0 to 1; of more, the sum of (p_k - y_k)² over the classes k, from 0 to 2. Lower is better. scikit-learn's
 * brier_score_loss scales both in the same way.
 */
export function createBrier(): Metric<ClassBatch> {
  const distances = createSum();
  let rows = 0;
  return {
    add: ({ labels, classes, probabilities }) => {
      for (const [row, label] of labels.entries()) {
        const ofRow = probabilities.subarray(row * classes, (row + 1) * classes);
        distances.add(classes === 2 ? ((ofRow[1] ?? Number.NaN) - label) ** 2 : squaredDistance(ofRow, label));
      }
      rows += labels.length;
    },
    measure: () => measured(distances.total() / rows, { rows }),
  };
}

function squaredDistance(probabilities: Float64Array, happened: number): number {
  let sum = 0;
  for (const [place, probability] of probabilities.entries()) sum += (probability - (place === happened ? 1 : 0)) ** 2;
  return sum;
}
