import { Worker } from 'node:worker_threads';
import { RequestError } from '../../protocol/errors.ts';
import type { ErrorCode } from '../../protocol/errors.ts';
import { movable, workOf } from './json-work.ts';
import type { JsonTask } from './json-work.ts';

export interface JsonTaskMessage {
  readonly task: JsonTask;
  readonly input: unknown;
}

export type JsonThreadMessage =
  | { readonly kind: 'done'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** By a fault of ours. */
  | { readonly kind: 'failed'; readonly cause: unknown };

export interface JsonThread {
  /** One at a time. Takes the memory of the input. @throws {RequestError} as the work itself would. */
  run(message: JsonTaskMessage): Promise<unknown>;
  /** Settles when it is gone, by `end` or by itself. */
  readonly ended: Promise<void>;
  end(): void;
}

const MAIN = new URL('./json-worker.ts', import.meta.url);

export function startJsonThread(): JsonThread {
  const worker = new Worker(MAIN);
  // A server that has closed its ports has nothing left to do for it.
  worker.unref();
  let running: PromiseWithResolvers<unknown> | undefined;
  worker.on('message', (message: JsonThreadMessage) => {
    if (message.kind === 'done') running?.resolve(message.result);
    else running?.reject(message.kind === 'failed' ? message.cause : new RequestError(message.code, message.message));
  });
  worker.on('error', () => {}); // 'exit' follows
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  void ended.then(() => running?.reject(new Error('the thread for large JSON ended before it had a result')));
  return {
    run: ({ task, input }) => {
      running = Promise.withResolvers();
      worker.postMessage({ task, input }, movable(workOf(task).bytesOfInput(input)));
      return running.promise;
    },
    ended,
    end: () => void worker.terminate(),
  };
}
