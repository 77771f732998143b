/** The area under the ROC curve by its definition: every row of class 1 against every row of class 0; NaN without a pair. */
export function areaByPairs(labels: readonly number[], scores: readonly number[]): number {
  const ones = scores.filter((_, row) => labels[row] === 1);
  const zeros = scores.filter((_, row) => labels[row] === 0);
  let wins = 0;
  for (const one of ones) {
    for (const zero of zeros) {
      if (one > zero) wins += 1;
      if (one === zero) wins += 0.5;
    }
  }
  return wins / (ones.length * zeros.length);
}
