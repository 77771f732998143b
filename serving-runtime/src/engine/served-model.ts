/** One version of a model that is loaded: requests wait, rows that came by different requests run together, every request gets its part. */
import type { Tensor } from '../protocol/datatypes.ts';
import { ModelFailure, RequestError } from '../protocol/errors.ts';
import { createBatchQueue } from './batch-queue.ts';
import { createInstancePool } from './instance-pool.ts';
import { MAX_RESULT_BYTES } from './messages.ts';
import { ModelRunError } from './model-instance.ts';
import type { ModelInstance, Signature } from './model-instance.ts';
import type { RepositoryEntry } from './repository.ts';
import { cacheKey, createResponseCache } from './response-cache.ts';
import type { ResponseCache } from './response-cache.ts';
import { Job } from './job.ts';
import type { Inference, Share } from './job.ts';
import { rowsOf, splitRows } from './rows.ts';
import type { ModelSettings } from './settings.ts';
import { startInstances } from './start-instances.ts';
import { count, countBy } from './statistics.ts';
import type { ModelStatistics } from './statistics.ts';

export interface ModelEvents {
  /** An instance ended by itself; it is started again. */
  instanceLost(entry: RepositoryEntry): void;
  /** The model failed on a request that fits its signature; `detail` is for the log. */
  runFailed(entry: RepositoryEntry, detail: string): void;
}

export interface ServedModel {
  readonly entry: RepositoryEntry;
  readonly signature: Signature;
  /** Rows that share a run at most. */
  readonly batchRows: number;
  /** @throws {RequestError} */
  infer(inference: Inference): Promise<readonly Tensor[]>;
  /** Requests that wait or run. */
  readonly pending: number;
  /** Of them, those that no instance has taken. */
  readonly waiting: number;
  /** Whether at least one instance can take a request. */
  isReady(): boolean;
  /** Resolves when the last request has its answer; new ones must go elsewhere. */
  close(): Promise<void>;
}

export interface LoadDeps {
  readonly events: ModelEvents;
  readonly statistics: ModelStatistics;
  /** Told of each instance when it is there. */
  readonly started: (instance: ModelInstance) => void;
}

/** Loads a model into all its instances and lets each answer its warm-up requests. @throws {ModelLoadError} */
export async function loadModel(
  entry: RepositoryEntry,
  settings: ModelSettings,
  { events, statistics, started }: LoadDeps,
): Promise<ServedModel> {
  const { instances, start, signature, batchRows } = await startInstances(entry, settings, started);
  const cache = settings.cacheBytes > 0 ? createResponseCache(settings.cacheBytes) : undefined;
  const queue = createBatchQueue<Job>(settings.maxQueuedRows, settings.maxQueuedBytes);
  const unanswered = new Set<Job>();
  let isScheduled = false;
  let drained = () => {};
  let lastRunMicroseconds = Infinity;

  /**
   * How many runs an instance may have. A second one, sent while it is in the first, spares it the way to this thread and back in
   * between, but is too late to be called off: so only a full one, where that way takes a good part of a run.
   */
  const mostRuns = () =>
    settings.isolation !== 'none' && lastRunMicroseconds < SHORT_RUN_MICROSECONDS && queue.rows >= batchRows ? 2 : 1;

  const dispatch = () => {
    isScheduled = false;
    while (queue.length > 0) {
      const instance = pool.take(mostRuns());
      if (instance === undefined) return;
      void runBatch(instance, queue.next(batchRows)).then(() => {
        pool.give(instance);
        schedule();
      });
    }
  };

  /** After everything that has arrived by now: requests of one packet run together. */
  const schedule = () => {
    if (isScheduled || queue.length === 0) return;
    isScheduled = true;
    setImmediate(dispatch);
  };

  const lost = () => {
    statistics.instancesLost += 1;
    events.instanceLost(entry);
  };
  const pool = createInstancePool(instances, start, { free: schedule, lost });

  const runBatch = async (instance: ModelInstance, batch: readonly Job[]): Promise<void> => {
    const [head] = batch;
    if (head === undefined) return;
    const begun = performance.now();
    const rows = batch.map((job) => job.rows);
    try {
      const running = instance.run(
        batch.map((job) => job.inputs),
        head.outputs,
      );
      const joined = performance.now();
      const run = await running;
      lastRunMicroseconds = run.microseconds;
      const ended = performance.now();
      const total = rows.reduce((sum, each) => sum + each, 0);
      statistics.executions += 1;
      statistics.rows += total;
      countBy(statistics.batches, total, run.microseconds);
      const parts = batch.length === 1 ? [run.outputs] : splitRows(run.outputs, rows);
      if (parts === undefined) return await runEach(instance, batch);
      batch.forEach((job, index) => job.resolve(parts[index] ?? []));
      const split = performance.now();
      for (const { queuedAt, timed } of batch) {
        timed?.({ queuedAt, begunAt: begun, endedAt: split, rows: total });
        count(statistics.queue, (begun - queuedAt) * 1000);
        count(statistics.input, (joined - begun) * 1000);
        count(statistics.infer, run.microseconds);
        count(statistics.output, (split - ended) * 1000);
      }
    } catch (cause) {
      if (!(cause instanceof ModelRunError)) return batch.forEach((job) => job.reject(LOST));
      // One of them is to blame, and the others shall not pay for it.
      if (batch.length > 1) return await runEach(instance, batch);
      events.runFailed(entry, cause.message);
      head.reject(cause.isTooLarge ? TOO_LARGE : REFUSED);
    }
  };

  const runEach = async (instance: ModelInstance, batch: readonly Job[]): Promise<void> => {
    for (const job of batch) if (unanswered.has(job)) await runBatch(instance, [job]);
  };

  const limitMs = settings.timeoutSeconds * 1000;
  const shareOf = createSharing(signature, batchRows);
  const late = createLateness(unanswered, limitMs);

  const ended = (job: Job) => {
    queue.remove(job);
    if (unanswered.delete(job) && unanswered.size === 0) drained();
  };

  const enqueue = (inference: Inference): Promise<readonly Tensor[]> => {
    const { timeoutMs = Infinity, signal } = inference;
    const job = new Job(inference, shareOf(inference), ended);
    unanswered.add(job);
    if (timeoutMs < limitMs) job.limit(timeoutMs);
    else late.watch();
    if (signal?.aborted === true) job.cancel();
    else if (queue.add(job)) schedule();
    else job.reject(FULL);
    return job.answer;
  };

  const inferCached = async (inference: Inference, answers: ResponseCache): Promise<readonly Tensor[]> => {
    const begun = performance.now();
    const key = cacheKey(inference.inputs, inference.outputs);
    const known = answers.get(key);
    const tally = known === undefined ? statistics.cacheMiss : statistics.cacheHit;
    count(tally, (performance.now() - begun) * 1000);
    if (known !== undefined) return known;
    const outputs = await enqueue(inference);
    const answered = performance.now();
    answers.set(key, outputs);
    tally.microseconds += (performance.now() - answered) * 1000;
    return outputs;
  };

  return {
    entry,
    signature,
    batchRows,
    infer: cache === undefined ? enqueue : (inference) => inferCached(inference, cache),
    get pending() {
      return unanswered.size;
    },
    get waiting() {
      return queue.length;
    },
    isReady: () => pool.alive > 0,
    close: async () => {
      if (unanswered.size > 0) await new Promise<void>((resolve) => (drained = resolve));
      pool.close();
    },
  };
}

/**
 * Looks for requests that wait longer than the model allows: a timer for all of them, since one for each is what a small request would
 * spend most of its time on. It is as exact as a twentieth of that time.
 *
 * @param jobs in the order in which they came.
 */
function createLateness(jobs: ReadonlySet<Job>, limitMs: number): { watch(): void } {
  let timer: NodeJS.Timeout | undefined;
  const look = () => {
    timer = undefined;
    const latest = performance.now() - limitMs;
    for (const job of jobs) {
      if (job.queuedAt > latest) break;
      job.expire(limitMs);
    }
    if (jobs.size > 0) watch();
  };
  const watch = () => {
    timer ??= setTimeout(look, limitMs / LOOKS_A_LIMIT);
  };
  return { watch };
}

const LOOKS_A_LIMIT = 20;
const SHORT_RUN_MICROSECONDS = 2_000;

let aloneKeys = 0;

/** Requests share a run when they want the same, and their inputs differ in nothing but the number of their rows. */
function createSharing({ inputs: specs, outputs: all }: Signature, batchRows: number): (inference: Inference) => Share {
  const hasOpenSizes = specs.some(({ shape }) => shape.some((size, axis) => axis > 0 && size < 0));
  return ({ inputs, outputs }) => {
    const rows = batchRows === 1 ? undefined : rowsOf(inputs);
    // Everybody else has another key.
    if (rows === undefined) return { rows: inputs[0]?.shape[0] ?? 1, key: `alone ${aloneKeys++}` };
    // Nearly all want all, of inputs of one size; to write that down for each would cost more than to queue it.
    const wantsAll = outputs.length === all.length && all.every(({ name }, index) => name === outputs[index]);
    const wanted = wantsAll ? '' : JSON.stringify(outputs);
    return { rows, key: hasOpenSizes ? wanted + JSON.stringify(inputs.map(({ shape }) => shape.slice(1))) : wanted };
  };
}

const LOST = new ModelFailure('Unavailable', 'the model server lost the instance that ran this request; try again');
const FULL = new RequestError('Unavailable', 'too many requests wait for this model; try again later');
const REFUSED = new ModelFailure(
  'InvalidArgument',
  'the model could not run on these inputs; do their shapes fit together?',
);

const TOO_LARGE = new RequestError(
  'TooLarge',
  `the results are larger than ${MAX_RESULT_BYTES} bytes; send fewer rows at a time`,
);
