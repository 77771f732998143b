/** What a level, or several, came to. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** What failed, by name and with the beginning of why: the output of a long run scrolls away. */
  readonly failures: readonly string[];
  /** What failed at first and passed when its file ran once more, alone. It counts as passed, and is named. */
  readonly flaky: readonly string[];
}

export const NOTHING: Totals = { passed: 0, failed: 0, skipped: 0, failures: [], flaky: [] };

export function add(a: Totals, b: Totals): Totals {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
    flaky: [...a.flaky, ...b.flaky],
  };
}

export function oneFailure(name: string): Totals {
  return { ...NOTHING, failed: 1, failures: [name] };
}

export function totalsLine({ passed, failed, skipped, flaky }: Totals): string {
  const secondTry = flaky.length > 0 ? ` (${flaky.length} of the passed on a second try)` : '';
  return `${passed} passed, ${failed} failed, ${skipped} skipped${secondTry}`;
}
