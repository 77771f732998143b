/** What did not hold in a run. */
export interface Problem {
  /** Which oracle says so. */
  readonly oracle: string;
  /** One line for people; some have more lines, indented. */
  readonly what: string;
}

export function foundBy(oracle: string, lines: readonly string[]): Problem[] {
  return lines.map((what) => ({ oracle, what }));
}
