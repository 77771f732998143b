import type { Registry } from 'prom-client';
import type { Clock, Timer } from './clock.ts';
import { histogram } from './metrics.ts';

/** How fast one sort of requests may go out: a token bucket. */
export interface RequestRate {
  /** In the long run. Infinity for no limit. */
  readonly perSecond: number;
  /** So many may go out at once after a rest. */
  readonly burst: number;
}

/** Reads (GET, lists and watches, too) and writes wait apart, so that neither holds up the other. */
export interface RequestBudget {
  /** Default 200 a second, 400 at once. */
  readonly reads?: RequestRate;
  /** Default 100 a second, 200 at once. */
  readonly writes?: RequestRate;
}

/**
 * The API server shares itself out fairly (API Priority and Fairness), so this is no more than a fuse against a loop of our
 * own. At rest an operator asks for nothing, and a write keeps the API server for a few milliseconds: at 100 a second one
 * process never has more than one or two of its hundreds of seats. controller-runtime had 20 a second, 30 at once, and none
 * since it counts on the API server.
 */
const DEFAULT_BUDGET: Required<RequestBudget> = {
  reads: { perSecond: 200, burst: 400 },
  writes: { perSecond: 100, burst: 200 },
};

export interface BudgetedRequest {
  readonly method: string;
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
}

/** Resolves when the request may go out; rejects with the reason of its signal when that aborts before. */
export type TakeTurn = (request: BudgetedRequest) => Promise<void>;

export interface BudgetOptions {
  readonly budget?: RequestBudget | undefined;
  readonly clock: Clock;
  readonly registry: Registry;
  /** For the metric. */
  readonly host: string;
}

export function createBudget({ budget, clock, registry, host }: BudgetOptions): TakeTurn {
  const reads = createTokenBucket(budget?.reads ?? DEFAULT_BUDGET.reads, clock);
  const writes = createTokenBucket(budget?.writes ?? DEFAULT_BUDGET.writes, clock);
  // Name and labels as in client-go.
  const seconds = histogram(registry, {
    name: 'rest_client_rate_limiter_duration_seconds',
    help: 'Client side rate limiter latency in seconds. Broken down by verb, and host.',
    labelNames: ['verb', 'host'],
    buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
  });
  return async ({ method, path, signal }) => {
    // A storm must not cost the lease.
    if (path.startsWith('/apis/coordination.k8s.io/')) return;
    const start = clock.now().getTime();
    await (method === 'GET' ? reads : writes).take(signal);
    seconds.observe({ verb: method, host }, Math.max(0, clock.now().getTime() - start) / 1000);
  };
}

export interface TokenBucket {
  /** First come, first served. The place of one whose signal aborts goes to the next. */
  take(signal?: AbortSignal): Promise<void>;
}

export function createTokenBucket({ perSecond, burst }: RequestRate, clock: Clock): TokenBucket {
  if (perSecond === Infinity) return { take: () => Promise.resolve() };
  const waiting = new Set<() => void>();
  let tokens = burst;
  let filledAt = clock.now().getTime();
  let timer: Timer | undefined;

  function fill(): void {
    const now = clock.now().getTime();
    // A clock that was set back gives nothing.
    tokens = Math.min(burst, tokens + (Math.max(0, now - filledAt) * perSecond) / 1000);
    filledAt = now;
  }

  function serve(): void {
    fill();
    for (const go of waiting) {
      if (tokens < 1) break;
      tokens -= 1;
      waiting.delete(go);
      go();
    }
    timer?.cancel();
    const untilNext = Math.ceil(((1 - tokens) * 1000) / perSecond);
    timer = waiting.size === 0 ? undefined : clock.setTimeout(serve, untilNext);
  }

  return {
    take(signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted === true) return reject(signal.reason as Error);
        const go = () => {
          signal?.removeEventListener('abort', giveUp);
          resolve();
        };
        const giveUp = () => {
          waiting.delete(go);
          serve();
          reject(signal?.reason as Error);
        };
        signal?.addEventListener('abort', giveUp, { once: true });
        waiting.add(go);
        serve();
      });
    },
  };
}
