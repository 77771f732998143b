/** One version of a model that is loaded: requests wait, rows that came by different requests run together, every request gets its part. */
import type { Tensor } from '../protocol/datatypes.ts';
import { ModelFailure, RequestError } from '../protocol/errors.ts';
import { createBatchQueue } from './batch-queue.ts';
import type { Waiting } from './batch-queue.ts';
import { measureBatchRows } from './batch-size.ts';
import { createInstancePool } from './instance-pool.ts';
import { MAX_RESULT_BYTES } from './messages.ts';
import { ModelRunError, startInstance } from './model-instance.ts';
import type { ModelInstance, Signature } from './model-instance.ts';
import type { RepositoryEntry } from './repository.ts';
import { cacheKey, createResponseCache } from './response-cache.ts';
import { joinRows, rowsOf, splitRows, takesRows } from './rows.ts';
import type { ModelSettings } from './settings.ts';
import { count, countBy } from './statistics.ts';
import type { ModelStatistics } from './statistics.ts';
import { warmUp } from './warm-up.ts';

export interface ModelEvents {
  /** An instance ended by itself; it is started again. */
  instanceLost(entry: RepositoryEntry): void;
  /** The model failed on a request that fits its signature; `detail` is for the log. */
  runFailed(entry: RepositoryEntry, detail: string): void;
}

export interface Inference {
  /** In the order of the signature. */
  readonly inputs: readonly Tensor[];
  /** Names. */
  readonly outputs: readonly string[];
  /** How long the client waits, in milliseconds; the setting `timeoutSeconds` where it does not say. */
  readonly timeoutMs?: number | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal | undefined;
  /** Told when the model has run for it, before the answer. */
  readonly timed?: ((times: RunTimes) => void) | undefined;
}

/** Of the clock of `performance.now`. */
export interface RunTimes {
  readonly queuedAt: number;
  /** When an instance took it. */
  readonly begunAt: number;
  readonly endedAt: number;
  /** Of the run, over all requests that shared it. */
  readonly rows: number;
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

interface Job extends Waiting {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[];
  readonly queuedAt: number;
  readonly timed: Inference['timed'];
  resolve(outputs: readonly Tensor[]): void;
  reject(cause: RequestError): void;
}

/** Loads a model into all its instances and lets each answer its warm-up requests. @throws {ModelLoadError} */
export async function loadModel(
  entry: RepositoryEntry,
  settings: ModelSettings,
  { events, statistics }: { readonly events: ModelEvents; readonly statistics: ModelStatistics },
): Promise<ServedModel> {
  const { isolation, threads, device, maxRunSeconds } = settings;
  const start = async (): Promise<ModelInstance> => {
    const instance = await startInstance({ path: entry.path, isolation, threads, device, maxRunSeconds });
    await warmUp(instance, settings.warmUp);
    return instance;
  };
  const instances = await startAll(start, settings.instances);
  const [first] = instances;
  if (first === undefined) throw new Error('a model needs at least one instance');
  const { signature } = first;
  const hasRows = takesRows(signature.inputs, signature.outputs);
  const batchRows = hasRows ? (settings.maxBatchRows ?? (await measureBatchRows(first))) : 1;
  const cache = settings.cacheBytes > 0 ? createResponseCache(settings.cacheBytes) : undefined;
  const queue = createBatchQueue<Job>(settings.maxQueuedRows, settings.maxQueuedBytes);
  const unanswered = new Set<Job>();
  let isScheduled = false;
  let drained = () => {};

  const dispatch = () => {
    isScheduled = false;
    while (queue.length > 0) {
      const instance = pool.take();
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
    const inputs = batch.length === 1 ? head.inputs : joinRows(batch.map((job) => job.inputs));
    const joined = performance.now();
    try {
      const run = await instance.run(inputs, head.outputs);
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

  const enqueue = ({ inputs, outputs, timeoutMs, signal, timed }: Inference): Promise<readonly Tensor[]> =>
    new Promise((resolve, reject) => {
      const limitMs = Math.min(timeoutMs ?? Infinity, settings.timeoutSeconds * 1000);
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', cancel);
        queue.remove(job);
        if (unanswered.delete(job) && unanswered.size === 0) drained();
      };
      const job: Job = {
        ...shareOf(inputs, outputs, batchRows),
        bytes: byteLength(inputs),
        inputs,
        outputs,
        queuedAt: performance.now(),
        timed,
        resolve: (result) => {
          end();
          resolve(result);
        },
        reject: (cause) => {
          end();
          reject(cause);
        },
      };
      const cancel = () => job.reject(CANCELLED);
      const timer = setTimeout(() => job.reject(lateAfter(limitMs)), limitMs);
      unanswered.add(job);
      if (signal?.aborted === true) return cancel();
      if (!queue.add(job)) return job.reject(FULL);
      signal?.addEventListener('abort', cancel);
      schedule();
    });

  const inferCached = async (inference: Inference): Promise<readonly Tensor[]> => {
    if (cache === undefined) return enqueue(inference);
    const started = performance.now();
    const key = cacheKey(inference.inputs, inference.outputs);
    const known = cache.get(key);
    const tally = known === undefined ? statistics.cacheMiss : statistics.cacheHit;
    count(tally, (performance.now() - started) * 1000);
    if (known !== undefined) return known;
    const outputs = await enqueue(inference);
    const answered = performance.now();
    cache.set(key, outputs);
    tally.microseconds += (performance.now() - answered) * 1000;
    return outputs;
  };

  return {
    entry,
    signature,
    batchRows,
    infer: inferCached,
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

/** All or none: what was started is ended when one cannot be. */
async function startAll(start: () => Promise<ModelInstance>, number: number): Promise<ModelInstance[]> {
  const attempts = await Promise.allSettled(Array.from({ length: number }, start));
  const started = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
  const failed = attempts.find((attempt) => attempt.status === 'rejected');
  if (failed === undefined) return started;
  started.forEach((instance) => instance.close());
  throw failed.reason;
}

let aloneKeys = 0;

/** With whom a request may share a run. */
function shareOf(inputs: readonly Tensor[], outputs: readonly string[], batchRows: number) {
  const rows = batchRows === 1 ? undefined : rowsOf(inputs);
  // Everybody else has another key.
  if (rows === undefined) return { rows: inputs[0]?.shape[0] ?? 1, key: `alone ${aloneKeys++}` };
  return { rows, key: JSON.stringify([outputs, inputs.map(({ shape }) => shape.slice(1))]) };
}

const LOST = new ModelFailure('Unavailable', 'the model server lost the instance that ran this request; try again');
const FULL = new RequestError('Unavailable', 'too many requests wait for this model; try again later');
const CANCELLED = new RequestError('Cancelled', 'the client gave up');
const REFUSED = new ModelFailure(
  'InvalidArgument',
  'the model could not run on these inputs; do their shapes fit together?',
);

const TOO_LARGE = new RequestError(
  'TooLarge',
  `the results are larger than ${MAX_RESULT_BYTES} bytes; send fewer rows at a time`,
);

function lateAfter(milliseconds: number): RequestError {
  return new RequestError('DeadlineExceeded', `there was no answer within ${Math.round(milliseconds)} ms`);
}

function byteLength(inputs: readonly Tensor[]): number {
  return inputs.reduce((sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : textBytes(data)), 0);
}

function textBytes(data: readonly string[]): number {
  return data.reduce((sum, element) => sum + 4 + element.length, 0);
}
