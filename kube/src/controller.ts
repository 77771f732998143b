import { randomUUID } from 'node:crypto';
import type { Registry } from 'prom-client';
import { type Clock, sleep } from './clock.ts';
import { type OperatorError, retryAfterOf, toOperatorError, UnexpectedError } from './errors.ts';
import { counter, gauge, histogram } from './metrics.ts';
import type { Result, Scope } from './result.ts';
import { inReconcileSpan } from './spans.ts';
import { keyFromString, type Logger, type ObjectKey } from './types.ts';
import { createWorkQueue, type WorkItem, type WorkQueue } from './work-queue.ts';

export type Reconcile = (key: ObjectKey, scope: Scope) => Promise<Result>;

export interface ControllerLoopOptions {
  /** Kind and concern, such as `model.lifecycle`: the same string in metrics, logs, queue and field manager. */
  readonly name: string;
  readonly workers: number;
  readonly reconcile: Reconcile;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly registry: Registry;
  /** How long running work may go on after `stop`, in milliseconds, before its signal aborts. */
  readonly drainMs: number;
  readonly backoff?: { readonly baseMs: number; readonly capMs: number };
}

/** Hands keys to `reconcile`, one worker a key at a time, and decides what follows from each ending. */
export interface ControllerLoop {
  readonly queue: WorkQueue;
  /**
   * Works until `stop` aborts, then lets running work end. When `abandon` aborts, or the drain takes too long, the
   * signal of running work aborts; whoever ignores that for another second is logged and left behind.
   */
  run(signals: { readonly stop: AbortSignal; readonly abandon: AbortSignal }): Promise<void>;
}

const QUIET_FAILURES = 5;
const LEAVE_BEHIND_MS = 1000;

export function createControllerLoop(options: ControllerLoopOptions): ControllerLoop {
  const { name, clock } = options;
  const queue = createWorkQueue(options);
  const metrics = createControllerMetrics(options);
  const working = new Set<string>();

  async function work(signal: AbortSignal): Promise<void> {
    for (let item = await queue.next(); item !== undefined; item = await queue.next()) {
      working.add(item.key);
      await workOn(item, signal);
      working.delete(item.key);
      queue.done(item.key);
    }
  }

  async function workOn(item: WorkItem, signal: AbortSignal): Promise<void> {
    const key = keyFromString(item.key);
    const reconcileId = randomUUID();
    let log: Logger | undefined;
    const scope: Scope = {
      // Most passes find nothing to do and say nothing, and a child logger costs more than they do.
      get log() {
        return (log ??= options.log.child({ controller: name, ...key, reconcileId }));
      },
      signal,
      controller: name,
      reconcileId,
      reasons: item.reasons,
    };
    const stopTimer = metrics.start();
    const ending = await inReconcileSpan(key, scope, () => endingOf(() => options.reconcile(key, scope)));
    stopTimer();
    // What was cut off by the end of this process says nothing about the object.
    if (ending instanceof Error && signal.aborted) return;
    follow(item.key, ending, scope);
  }

  /** The one place that decides what an ending means. */
  function follow(key: string, ending: Result | OperatorError, scope: Scope): void {
    if (ending instanceof Error) return followError(key, ending, scope.log);
    queue.forget(key);
    switch (ending.kind) {
      case 'settled':
        metrics.result('success');
        return;
      case 'requeueAfter':
        metrics.result('requeue_after');
        scope.log.debug({ ms: ending.ms, why: ending.why }, 'looking again later');
        queue.addAfter(key, ending.ms, ending.why);
        return;
    }
  }

  function followError(key: string, error: OperatorError, log: Logger): void {
    const { reason, retry } = error;
    switch (retry) {
      case 'waitForEvent':
        metrics.result('blocked');
        queue.forget(key);
        log.debug({ reason, why: error.message }, 'blocked until a watched object changes');
        return;
      case 'waitForSpecChange':
        metrics.result('error');
        metrics.terminalErrors.inc();
        queue.forget(key);
        log.info({ reason, why: error.message }, 'waiting for a change of the spec');
        return;
      case 'backoff': {
        metrics.result('error');
        const failures = queue.addBackoff(key, `retry after ${reason}`, retryAfterOf(error));
        logRetry(error, failures, log);
      }
    }
  }

  function logRetry(error: OperatorError, failures: number, log: Logger): void {
    const { reason } = error;
    if (error instanceof UnexpectedError) {
      metrics.panics.inc();
      log.error({ err: error.cause ?? error, failures }, 'a reconcile threw something unforeseen');
    } else {
      log[failures < QUIET_FAILURES ? 'info' : 'warn']({ reason, why: error.message, failures }, 'will be tried again');
    }
  }

  return {
    queue,
    async run({ stop, abandon }) {
      const cut = new AbortController();
      const workers = Promise.all(Array.from({ length: options.workers }, () => work(cut.signal)));
      await aborted(stop, abandon);
      queue.shutDown();
      const finished = new AbortController();
      const drained = workers.then(() => finished.abort());
      await Promise.race([drained, aborted(abandon), sleep(clock, options.drainMs, finished.signal)]);
      cut.abort(new Error('the controller stops'));
      await Promise.race([drained, sleep(clock, LEAVE_BEHIND_MS, finished.signal)]);
      if (working.size > 0)
        options.log.error({ controller: name, keys: [...working] }, 'stopped while work was still running');
    },
  };
}

/** Never rejects, and a `reconcile` that throws before its first await is no different from one that rejects. */
async function endingOf(reconcile: () => Promise<Result>): Promise<Result | OperatorError> {
  try {
    return await reconcile();
  } catch (cause) {
    return toOperatorError(cause);
  }
}

/** Resolves when the first of the signals aborts. */
function aborted(...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of signals) {
      if (signal.aborted) resolve();
      else signal.addEventListener('abort', () => resolve(), { once: true });
    }
  });
}

/** Names and labels as in controller-runtime (pkg/internal/controller/metrics); `blocked` is ours. */
function createControllerMetrics({ name, workers, registry, clock }: ControllerLoopOptions) {
  const labelNames = ['controller'] as const;
  const labels = { controller: name };
  const make = (suffix: string, help: string) => ({ name: `controller_runtime_${suffix}`, help, labelNames });
  const total = counter(registry, {
    name: 'controller_runtime_reconcile_total',
    help: 'Total number of reconciliations per controller',
    labelNames: ['controller', 'result'],
  });
  const errors = counter(
    registry,
    make('reconcile_errors_total', 'Total number of reconciliation errors per controller'),
  );
  const terminal = counter(
    registry,
    make('terminal_reconcile_errors_total', 'Reconciliation errors that only a change of the spec ends'),
  );
  const panics = counter(registry, make('reconcile_panics_total', 'Reconciliations that threw something unforeseen'));
  const seconds = histogram(registry, {
    ...make('reconcile_time_seconds', 'Length of time per reconciliation per controller'),
    buckets: [
      0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.5, 2, 5, 10,
      30, 60,
    ],
  });
  const active = gauge(registry, make('active_workers', 'Number of currently used workers per controller'));
  gauge(registry, make('max_concurrent_reconciles', 'Maximum number of concurrent reconciles per controller')).set(
    labels,
    workers,
  );
  active.set(labels, 0);
  for (const result of ['success', 'requeue_after', 'error', 'blocked']) total.inc({ ...labels, result }, 0);
  for (const metric of [errors, terminal, panics]) metric.inc(labels, 0);
  return {
    panics: panics.labels(labels),
    terminalErrors: terminal.labels(labels),
    result(result: 'success' | 'requeue_after' | 'error' | 'blocked') {
      total.inc({ ...labels, result });
      if (result === 'error') errors.inc(labels);
    },
    start() {
      const start = clock.now().getTime();
      active.inc(labels);
      return () => {
        active.dec(labels);
        seconds.observe(labels, Math.max(0, clock.now().getTime() - start) / 1000);
      };
    },
  };
}
