import { setTimeout as sleep } from 'node:timers/promises';
import { FetchError } from './failure.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A source that asks for a longer pause than this is as good as away. */
const LONGEST_ASKED_PAUSE_MS = 300_000;

/** Doubles with each attempt, and spreads so that many pods do not come back at once. */
export function pauseMs(attempt: number, askedMs: number | undefined, random: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt);
  const own = longest * (0.5 + random / 2);
  return Math.max(own, Math.min(askedMs ?? 0, LONGEST_ASKED_PAUSE_MS));
}

/** `Retry-After`: seconds or a date (RFC 9110, 10.2.3), in milliseconds from now. */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

export interface Retry {
  /** How often in a row without any progress. */
  readonly retries: number;
  readonly log: (message: string, fields: object) => void;
  /** Pauses are multiplied by this; tests have no time. */
  readonly pauseFactor: number;
  readonly signal: AbortSignal;
}

/** Does `work` until it succeeds; `progress` grows as long as it gets anywhere, and then the count begins anew. */
export async function withRetries<T>(work: () => Promise<T>, progress: () => number, retry: Retry): Promise<T> {
  let attempt = 0;
  let reached = progress();
  for (;;) {
    try {
      return await work();
    } catch (cause) {
      retry.signal.throwIfAborted();
      if (!(cause instanceof FetchError) || !cause.again) throw cause;
      attempt = progress() > reached ? 0 : attempt;
      reached = progress();
      if (attempt >= retry.retries) throw cause;
      const ms = Math.round(pauseMs(attempt, cause.afterMs, Math.random()) * retry.pauseFactor);
      retry.log('trying again', { because: cause.message, afterSeconds: ms / 1000 });
      attempt++;
      await sleep(ms, undefined, { signal: retry.signal });
    }
  }
}
