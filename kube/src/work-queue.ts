import type { Registry } from 'prom-client';
import { backoffDelay } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';
import { counter, gauge, histogram, onCollect } from './metrics.ts';

/**
 * Keys that wait to be worked on.
 *
 * - A key waits at most once, however often it is added; the reasons add up.
 * - A key that is being worked on is not handed out again until `done`; if it was added meanwhile, it waits again then.
 * - Of several delayed adds of a key the earliest counts, and an immediate add replaces them.
 * - The backoff of a key grows with every `addBackoff` and starts anew after `forget`.
 * - Keys of low priority wait until no other key does; an ordinary add of such a key raises it.
 */
export interface WorkQueue {
  add(key: string, reason: string, priority?: Priority): void;
  addAfter(key: string, ms: number, reason: string): void;
  /** Adds after the key's next backoff delay, or after `minMs` if that is later. Returns the failures in a row so far. */
  addBackoff(key: string, reason: string, minMs?: number): number;
  forget(key: string): void;
  /** The next key, when there is one; undefined once the queue is shut down. Whoever takes it calls `done`. */
  next(): Promise<WorkItem | undefined>;
  done(key: string): void;
  /** Hands out nothing more. */
  shutDown(): void;
  /** Keys that could be handed out now. */
  depth(): number;
}

/** `low` is for what nobody waits for, such as the first look at every object after a start. */
export type Priority = 'normal' | 'low';

export interface WorkItem {
  readonly key: string;
  readonly reasons: readonly string[];
}

export interface WorkQueueOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly registry: Registry;
  /** First and longest delay of `addBackoff`, in milliseconds. Default 10 and 120,000. */
  readonly backoff?: { readonly baseMs: number; readonly capMs: number };
}

const MAX_REASONS = 10;

export function createWorkQueue(options: WorkQueueOptions): WorkQueue {
  const { clock } = options;
  const metrics = createQueueMetrics(options);
  // A Map keeps the order of insertion. A key is in one of the two at most.
  const waiting = { normal: new Map<string, Waiting>(), low: new Map<string, Waiting>() };
  const working = new Map<string, { since: number; again: string[] | undefined }>();
  const delayed = new Map<string, { at: number; timer: Timer }>();
  const failures = new Map<string, number>();
  const takers: ((item: WorkItem | undefined) => void)[] = [];
  let open = true;

  const depth = () => waiting.normal.size + waiting.low.size;
  metrics.observe({ depth, startTimes: () => [...working.values()].map(({ since }) => since) });

  function add(key: string, reason: string, priority: Priority = 'normal'): void {
    if (!open) return;
    cancelDelayed(key);
    const worked = working.get(key);
    if (worked !== undefined) {
      if (worked.again === undefined) metrics.adds.inc();
      worked.again = withReason(worked.again ?? [], reason);
      return;
    }
    const entry = waiting.normal.get(key) ?? waiting.low.get(key);
    if (entry !== undefined) {
      entry.reasons = withReason(entry.reasons, reason);
      if (priority === 'normal' && waiting.low.delete(key)) waiting.normal.set(key, entry);
      return;
    }
    metrics.adds.inc();
    enqueue(key, [reason], priority);
  }

  function enqueue(key: string, reasons: string[], priority: Priority): void {
    waiting[priority].set(key, { reasons, since: clock.now().getTime() });
    takers.shift()?.(take());
  }

  function take(): WorkItem | undefined {
    const first = waiting.normal.size > 0 ? waiting.normal : waiting.low;
    for (const [key, { reasons, since }] of first) {
      first.delete(key);
      const now = clock.now().getTime();
      working.set(key, { since: now, again: undefined });
      metrics.waited((now - since) / 1000);
      return { key, reasons };
    }
    return undefined;
  }

  function addAfter(key: string, ms: number, reason: string): void {
    if (ms <= 0) return add(key, reason);
    if (!open || waiting.normal.has(key) || waiting.low.has(key) || working.get(key)?.again !== undefined) return;
    const at = clock.now().getTime() + ms;
    const earlier = delayed.get(key);
    if (earlier !== undefined && earlier.at <= at) return;
    cancelDelayed(key);
    delayed.set(key, { at, timer: clock.setTimeout(() => add(key, reason), ms) });
  }

  function cancelDelayed(key: string): void {
    delayed.get(key)?.timer.cancel();
    delayed.delete(key);
  }

  return {
    add,
    addAfter,
    addBackoff(key, reason, minMs = 0) {
      const attempt = failures.get(key) ?? 0;
      failures.set(key, attempt + 1);
      metrics.retries.inc();
      const delay = backoffDelay(attempt, { baseMs: 10, capMs: 120_000, ...options.backoff, random: options.random });
      addAfter(key, Math.max(delay, minMs), reason);
      return attempt + 1;
    },
    forget: (key) => void failures.delete(key),
    next() {
      const item = open ? take() : undefined;
      if (item !== undefined || !open) return Promise.resolve(item);
      return new Promise((resolve) => takers.push(resolve));
    },
    done(key) {
      const worked = working.get(key);
      if (worked === undefined) return;
      working.delete(key);
      metrics.worked((clock.now().getTime() - worked.since) / 1000);
      if (worked.again !== undefined && open) enqueue(key, worked.again, 'normal');
    },
    shutDown() {
      open = false;
      waiting.normal.clear();
      waiting.low.clear();
      for (const key of delayed.keys()) cancelDelayed(key);
      for (const taker of takers.splice(0)) taker(undefined);
    },
    depth,
  };
}

interface Waiting {
  reasons: string[];
  readonly since: number;
}

function withReason(reasons: string[], reason: string): string[] {
  return reasons.includes(reason) || reasons.length >= MAX_REASONS ? reasons : [...reasons, reason];
}

/** Names and labels as in controller-runtime (pkg/internal/metrics/workqueue.go). */
function createQueueMetrics({ name, registry, clock }: WorkQueueOptions) {
  const labelNames = ['name', 'controller'] as const;
  const labels = { name, controller: name };
  const make = (suffix: string, help: string) => ({ name: `workqueue_${suffix}`, help, labelNames });
  const buckets = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 100, 1000];
  const depth = gauge(registry, make('depth', 'Current depth of workqueue'));
  const unfinished = gauge(
    registry,
    make('unfinished_work_seconds', 'Seconds of work in progress that work_duration has not observed yet.'),
  );
  const longest = gauge(
    registry,
    make('longest_running_processor_seconds', 'Seconds for which the longest running processor has run.'),
  );
  const adds = counter(registry, make('adds_total', 'Total number of adds handled by workqueue'));
  const retries = counter(registry, make('retries_total', 'Total number of retries handled by workqueue'));
  const queueSeconds = histogram(registry, {
    ...make('queue_duration_seconds', 'Seconds an item stays in workqueue before being requested'),
    buckets,
  });
  const workSeconds = histogram(registry, {
    ...make('work_duration_seconds', 'Seconds processing an item from workqueue takes'),
    buckets,
  });
  return {
    adds: adds.labels(labels),
    retries: retries.labels(labels),
    waited: (seconds: number) => queueSeconds.observe(labels, Math.max(0, seconds)),
    worked: (seconds: number) => workSeconds.observe(labels, Math.max(0, seconds)),
    /** Reads the state when Prometheus asks, so that work that hangs shows. */
    observe({ depth: depthOf, startTimes }: { depth: () => number; startTimes: () => number[] }) {
      onCollect(depth, () => depth.set(labels, depthOf()));
      const ages = () => startTimes().map((start) => Math.max(0, clock.now().getTime() - start) / 1000);
      onCollect(unfinished, () =>
        unfinished.set(
          labels,
          ages().reduce((sum, age) => sum + age, 0),
        ),
      );
      onCollect(longest, () => longest.set(labels, Math.max(0, ...ages())));
    },
  };
}
