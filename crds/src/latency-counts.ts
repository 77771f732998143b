/**
 * How long requests took, counted by steps that whoever counts and whoever reads have in common: 16 to a doubling, so that a
 * step is 4.4 % wide, from 0.1 ms to ten minutes.
 */
import { z } from 'zod';

const STEPS_TO_A_DOUBLING = 16;
const FIRST_SECONDS = 0.0001;
/** Of ten minutes. One more is for all that took longer. */
const LAST = Math.ceil(Math.log2(600 / FIRST_SECONDS) * STEPS_TO_A_DOUBLING);
export const SLOWEST_STEP = LAST + 1;

/** Requests by step; only steps that have any. */
export type LatencyCounts = ReadonlyMap<number, number>;

/** Rounding must not lift what is on the bound of a step into the next. */
const ROUNDING = 1e-9;

/** Of a request that took so long. What took 0.1 ms or less is in the step 0. */
export function latencyStep(seconds: number): number {
  if (!(seconds > FIRST_SECONDS)) return 0;
  return Math.min(SLOWEST_STEP, Math.ceil(Math.log2(seconds / FIRST_SECONDS) * STEPS_TO_A_DOUBLING - ROUNDING));
}

/** Seconds that no request of the step took longer than; Infinity for the last step. */
export function longestOfStep(step: number): number {
  return step >= SLOWEST_STEP ? Infinity : FIRST_SECONDS * 2 ** (step / STEPS_TO_A_DOUBLING);
}

/** `17:3 18:40`: three requests in step 17, forty in step 18; in no certain order. */
export const latencyCountsText = z
  .string()
  .max(8192)
  .regex(/^(?:\d{1,3}:\d{1,16}(?: \d{1,3}:\d{1,16})*)?$/);

export function formatLatencyCounts(counts: LatencyCounts): string {
  let text = '';
  for (const [step, count] of counts) text += `${text === '' ? '' : ' '}${step}:${count}`;
  return text;
}

/** Of a text that `latencyCountsText` lets through. What is beyond the last step counts as the last. */
export function parseLatencyCounts(text: string): LatencyCounts {
  const counts = new Map<number, number>();
  for (const [, step, count] of text.matchAll(/(\d+):(\d+)/g)) {
    const known = Math.min(Number(step), SLOWEST_STEP);
    counts.set(known, (counts.get(known) ?? 0) + Number(count));
  }
  return counts;
}
