/** Threads for JSON that is large, started when there is some, with a bound on what waits for them. */
import type { Cancellation } from '../../engine/cancellation.ts';
import { RequestError } from '../../protocol/errors.ts';
import { startJsonThread } from './json-thread.ts';
import type { JsonTaskMessage, JsonThread } from './json-thread.ts';

export interface JsonThreads {
  /**
   * Rejects as the work itself would throw.
   *
   * @param bytes that count against the bound while it waits; 0 for what must not be refused.
   * @throws {RequestError} Unavailable when too many bytes wait, Cancelled when the client goes while it waits.
   */
  run(message: JsonTaskMessage, bytes: number, signal?: Cancellation): Promise<unknown>;
}

export interface JsonThreadsOptions {
  readonly threads: number;
  readonly maxWaitingBytes: number;
  /** A thread that has had nothing to do for so long ends and gives its memory back. */
  readonly idleMs: number;
}

interface Waiting extends PromiseWithResolvers<unknown> {
  readonly message: JsonTaskMessage;
  readonly bytes: number;
}

export function createJsonThreads({ threads, maxWaitingBytes, idleMs }: JsonThreadsOptions): JsonThreads {
  // A set keeps the order of arrival, and gives one up from its middle at once.
  const waiting = new Set<Waiting>();
  let waitingBytes = 0;
  const alive = new Set<JsonThread>();
  /** With the timer that ends it. */
  const idle = new Map<JsonThread, NodeJS.Timeout>();

  const takeBack = (job: Waiting): boolean => {
    if (!waiting.delete(job)) return false;
    waitingBytes -= job.bytes;
    return true;
  };

  const start = (): JsonThread => {
    const thread = startJsonThread();
    alive.add(thread);
    void thread.ended.then(() => {
      alive.delete(thread);
      takeIdle(thread);
      runNext();
    });
    return thread;
  };

  const takeIdle = (thread: JsonThread): JsonThread => {
    clearTimeout(idle.get(thread));
    idle.delete(thread);
    return thread;
  };

  const free = (thread: JsonThread): void => {
    if (!alive.has(thread)) return;
    idle.set(thread, setTimeout(() => takeIdle(thread).end(), idleMs).unref());
  };

  const takeThread = (): JsonThread | undefined => {
    // The one that worked last, so that the others come to their end.
    const last = [...idle.keys()].at(-1);
    if (last !== undefined) return takeIdle(last);
    return alive.size < threads ? start() : undefined;
  };

  const runNext = (): void => {
    const [job] = waiting;
    const thread = job === undefined ? undefined : takeThread();
    if (job === undefined || thread === undefined) return;
    takeBack(job);
    const run = thread.run(job.message);
    const next = () => {
      free(thread);
      runNext();
    };
    run.then(job.resolve, job.reject);
    run.then(next, next);
  };

  return {
    run: (message, bytes, signal) => {
      if (bytes > 0 && waitingBytes + bytes > maxWaitingBytes) return Promise.reject(FULL);
      const job: Waiting = { ...Promise.withResolvers<unknown>(), message, bytes };
      waiting.add(job);
      waitingBytes += bytes;
      const cancel = () => {
        if (takeBack(job)) job.reject(CANCELLED);
      };
      signal?.addEventListener('abort', cancel);
      if (signal?.aborted === true) cancel();
      runNext();
      return job.promise.finally(() => signal?.removeEventListener('abort', cancel));
    },
  };
}

const FULL = new RequestError(
  'Unavailable',
  'too many large JSON bodies wait to be read; try again later, or send tensors as binary data',
);
const CANCELLED = new RequestError('Cancelled', 'the client gave up');
