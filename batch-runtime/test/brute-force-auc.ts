/** The area under the ROC curve by its definition: every row of class 1 against every row of class 0; NaN without a pair. */
export function areaByPairs(labels: readonly number[], scores: readonly number[]): number {
  let pairs = 0;
  let wins = 0;
  for (const [one, score] of scores.entries()) {
    for (const [zero, other] of scores.entries()) {
      if (labels[one] !== 1 || labels[zero] !== 0) continue;
      pairs += 1;
      if (score > other) wins += 1;
      if (score === other) wins += 0.5;
    }
  }
  return wins / pairs;
}
