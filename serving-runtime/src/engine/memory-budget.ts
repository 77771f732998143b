export interface Budgeted {
  readonly bytes: number;
  /** Of a clock that only goes on. */
  readonly lastUsed: number;
  readonly pending: number;
}

/** What has to go, the least recently used first, so that the rest fits into `budget`; one that works stays. */
export function leastRecentlyUsed<T extends Budgeted>(loaded: readonly T[], budget: number): T[] {
  let excess = loaded.reduce((sum, { bytes }) => sum + bytes, 0) - budget;
  const going: T[] = [];
  for (const candidate of loaded.filter(({ pending }) => pending === 0).sort((a, b) => a.lastUsed - b.lastUsed)) {
    if (excess <= 0) break;
    going.push(candidate);
    excess -= candidate.bytes;
  }
  return going;
}
