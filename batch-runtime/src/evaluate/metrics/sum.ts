export interface Sum {
  add(value: number): void;
  total(): number;
}

/**
 * A sum whose error does not grow with the number of its terms: what each addition rounds away is kept beside it (Neumaier 1974).
 * Millions of rows added plainly would lose digits that a gate may compare.
 */
export function createSum(): Sum {
  let sum = 0;
  let lost = 0;
  return {
    add: (value) => {
      const next = sum + value;
      lost += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
      sum = next;
    },
    total: () => sum + lost,
  };
}
