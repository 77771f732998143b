export interface BackoffOptions {
  /** Milliseconds of the first delay. */
  readonly baseMs: number;
  /** No delay is longer, in milliseconds. */
  readonly capMs: number;
  /** A number from 0 (inclusive) to 1. */
  readonly random: () => number;
}

/**
 * The delay before try number `attempt` (from 0), in milliseconds: doubling from the base to the cap, each time between
 * one half and the whole of it, so that what failed together does not come back together.
 */
export function backoffDelay(attempt: number, { baseMs, capMs, random }: BackoffOptions): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(attempt, 40));
  return full / 2 + (random() * full) / 2;
}
