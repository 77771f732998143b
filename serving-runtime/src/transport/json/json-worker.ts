/** A thread that does what is long with JSON, so that the one of the network goes on. Started by `json-thread.ts`. */
import { parentPort } from 'node:worker_threads';
import { RequestError } from '../../protocol/errors.ts';
import type { JsonTaskMessage, JsonThreadMessage } from './json-thread.ts';
import { movable, workOf } from './json-work.ts';

parentPort?.on('message', ({ task, input }: JsonTaskMessage) => {
  const { run, bytesOfResult } = workOf(task);
  try {
    const result = run(input);
    post({ kind: 'done', result }, movable(bytesOfResult(result)));
  } catch (cause) {
    post(
      cause instanceof RequestError
        ? { kind: 'refused', code: cause.code, message: cause.message }
        : { kind: 'failed', cause },
    );
  }
});

function post(message: JsonThreadMessage, transfer: readonly ArrayBuffer[] = []): void {
  parentPort?.postMessage(message, [...transfer]);
}
