import { ModelFailure } from '../protocol/errors.ts';
import type { RequestError } from '../protocol/errors.ts';

/** What a version of a model has done since the server began, in the terms of Triton's statistics extension. Times in microseconds. */

export interface Tally {
  count: number;
  microseconds: number;
}

export interface ModelStatistics {
  /** Requests. */
  readonly success: Tally;
  readonly failed: Map<FailureReason, Tally>;
  /** Parts of the time of answered requests: waiting, gathering their rows, the model, handing out the results. */
  readonly queue: Tally;
  readonly input: Tally;
  readonly infer: Tally;
  readonly output: Tally;
  readonly cacheHit: Tally;
  readonly cacheMiss: Tally;
  /** Rows that were inferred. */
  rows: number;
  /** Runs of the model. */
  executions: number;
  /** By rows of a run. */
  readonly batches: Map<number, Tally>;
  /** Milliseconds since 1970; 0 for never. */
  lastInference: number;
  /** To load and warm it, the last time. */
  loadSeconds: number;
  /** Instances that ended by themselves, or were ended because they hung. */
  instancesLost: number;
}

/** Triton's: not run, for want of room or time; given up by its client; failed in the model; wrong. */
export const FAILURE_REASONS = ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

export function failureReason(failure: RequestError): FailureReason {
  if (failure instanceof ModelFailure || failure.code === 'Internal') return 'BACKEND';
  if (failure.code === 'Unavailable' || failure.code === 'DeadlineExceeded') return 'REJECTED';
  return failure.code === 'Cancelled' ? 'CANCELED' : 'OTHER';
}

export function createStatistics(): ModelStatistics {
  const tally = (): Tally => ({ count: 0, microseconds: 0 });
  return {
    success: tally(),
    failed: new Map(),
    queue: tally(),
    input: tally(),
    infer: tally(),
    output: tally(),
    cacheHit: tally(),
    cacheMiss: tally(),
    rows: 0,
    executions: 0,
    batches: new Map(),
    lastInference: 0,
    loadSeconds: 0,
    instancesLost: 0,
  };
}

export function count(tally: Tally, microseconds: number): void {
  tally.count += 1;
  tally.microseconds += microseconds;
}

/** Counts in a tally of its own for each key. */
export function countBy<K>(tallies: Map<K, Tally>, key: K, microseconds: number): void {
  const tally = tallies.get(key) ?? { count: 0, microseconds: 0 };
  count(tally, microseconds);
  tallies.set(key, tally);
}
