/** Writes lines of payloads to their file, on a thread of its own. Started by `payload-log.ts`. */
import { parentPort, workerData } from 'node:worker_threads';
import { appendPayloadLine } from './payload-file.ts';
import { payloadLine } from './payload.ts';
import type { PayloadMessage, PayloadSettings, PayloadWritten } from './payload-log.ts';

const { file, maxBytes, maxFileBytes } = workerData as PayloadSettings;

parentPort?.on('message', ({ payload, held }: PayloadMessage) => {
  post({ held, failure: failureOf(() => appendPayloadLine(file, payloadLine(payload, maxBytes), maxFileBytes)) });
});

function post(message: PayloadWritten): void {
  parentPort?.postMessage(message, []);
}

function failureOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
