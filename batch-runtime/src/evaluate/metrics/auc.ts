import { measured } from './measurement.ts';
import type { ClassBatch, Metric } from './measurement.ts';

/**
 * Area under the ROC curve: the chance that a row of class 1 gets a higher probability of class 1 than a row of class 0, where
 * equal ones count half. That is U / (n1 · n0) with the U of Mann and Whitney (1947); Hanley and McNeil (1982) show that both are
 * the same. 0 to 1; 0.5 is chance.
 *
 * Exact: all probabilities are kept and sorted, 8 bytes a row, taken at once. Undefined when the rows are of one class only,
 * because there is no pair to compare.
 * @param rows as many as will be added.
 */
export function createAuc(rows: number): Metric<ClassBatch> {
  // Class 1 fills it from the front, class 0 from the back, so that no list has to grow.
  const scores = new Float64Array(rows);
  let ones = 0;
  let zeros = 0;
  return {
    add: ({ labels, probabilities }) => {
      for (const [row, label] of labels.entries()) {
        const score = probabilities[row * 2 + 1] ?? Number.NaN;
        scores[label === 1 ? ones : rows - 1 - zeros] = score;
        if (label === 1) ones += 1;
        else zeros += 1;
      }
    },
    measure: () => {
      const counts = { rowsOfClass1: ones, rowsOfClass0: zeros };
      if (ones === 0 || zeros === 0) {
        return { undefinedBecause: `all rows have the label ${ones === 0 ? 0 : 1}`, counts };
      }
      const wins = countWins(scores.subarray(0, ones).sort(), scores.subarray(rows - zeros).sort());
      return measured(wins / (ones * zeros), counts);
    },
  };
}

/** In how many pairs the first is higher, plus half of those that are equal. Both lists ascend. */
function countWins(first: Float64Array, second: Float64Array): number {
  let wins = 0;
  let lower = 0;
  let notHigher = 0;
  for (const score of first) {
    while (lower < second.length && valueAt(second, lower) < score) lower += 1;
    while (notHigher < second.length && valueAt(second, notHigher) <= score) notHigher += 1;
    wins += (lower + notHigher) / 2;
  }
  return wins;
}

function valueAt(scores: Float64Array, index: number): number {
  return scores[index] ?? Number.NaN;
}
