/**
 * What some requests asked and what they were answered, a line of JSON each, in a file. The thread that answers the network copies
 * the beginning of the tensors; another one makes text of them and writes it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { RequestWatcher } from '../request-watcher.ts';
import { checkPayloadFile } from './payload-file.ts';
import { heldBytes, startsOf } from './payload.ts';
import type { Payload, TensorStart } from './payload.ts';
import { isSampled } from './sampling.ts';

export interface PayloadSettings {
  readonly file: string;
  /** Of the elements of all inputs of a line, and of those of all outputs, as JSON. */
  readonly maxBytes: number;
  /** Beyond it the file is renamed to `<file>.1`, and another begins. */
  readonly maxFileBytes: number;
}

export interface PayloadLogOptions extends PayloadSettings {
  /** 0 to 1, of all requests. */
  readonly rate: number;
  /** That may wait to be written; more are dropped. */
  readonly maxWaitingBytes: number;
  /** Told of each line that was dropped, or could not be written. */
  readonly dropped: () => void;
  /** Told when lines cannot be written, and again when they can; not of each. */
  readonly stateChanged: (failure: string | undefined) => void;
}

export interface PayloadMessage {
  readonly payload: Payload;
  readonly held: number;
}

export interface PayloadWritten {
  readonly held: number;
  readonly failure: string | undefined;
}

export interface PayloadLog extends RequestWatcher {
  /** Resolves when what waits is written, or cannot be in time. */
  close(): Promise<void>;
}

const WORKER = new URL('./payload-worker.ts', import.meta.url);
const LAST_LINES_MS = 2_000;

/** @throws {Error} when the file cannot be written. */
export function createPayloadLog(options: PayloadLogOptions): PayloadLog {
  const { rate, maxBytes } = options;
  checkPayloadFile(options.file);
  const writer = startWriter(options);
  return {
    inferenceBegan: (record, { id, model, version, inputs }) => {
      const requestId = record.requestId ?? id;
      if (!isSampled(record.isStream ? id : requestId, rate)) return undefined;
      const asked = startsOf(inputs, maxBytes);
      return ({ milliseconds, outputs, failure }) =>
        writer.write({
          time: new Date().toISOString(),
          requestId,
          id,
          model,
          version,
          durationMs: Math.round(milliseconds * 1000) / 1000,
          inputs: asked,
          outputs: outputs && startsOf(outputs, maxBytes),
          error: failure?.message,
        });
    },
    ended: () => {},
    close: writer.close,
  };
}

interface Writer {
  write(payload: Payload): void;
  close(): Promise<void>;
}

function startWriter({
  file,
  maxBytes,
  maxFileBytes,
  maxWaitingBytes,
  dropped,
  stateChanged,
}: PayloadLogOptions): Writer {
  const settings: PayloadSettings = { file, maxBytes, maxFileBytes };
  const worker = new Worker(WORKER, { workerData: settings });
  worker.unref();
  let waiting = 0;
  let lastFailure: string | undefined;
  let allWritten = () => {};
  worker.on('message', ({ held, failure }: PayloadWritten) => {
    waiting -= held;
    if (failure !== undefined) dropped();
    if (failure !== lastFailure) stateChanged(failure);
    lastFailure = failure;
    if (waiting === 0) allWritten();
  });
  worker.on('error', (cause) => stateChanged(cause.message));
  return {
    write: (payload) => {
      const tensors = [...payload.inputs, ...(payload.outputs ?? [])];
      // However little there is in it, a line is not for nothing.
      const held = heldBytes(tensors) + LINE_BYTES;
      if (waiting > 0 && waiting + held > maxWaitingBytes) return dropped();
      waiting += held;
      const message: PayloadMessage = { payload, held };
      worker.postMessage(message, memoryOf(tensors));
    },
    close: async () => {
      const written = new Promise<void>((resolve) => (allWritten = resolve));
      worker.ref();
      if (waiting > 0) await Promise.race([written, sleep(LAST_LINES_MS, undefined, { ref: false })]);
      await worker.terminate();
    },
  };
}

const LINE_BYTES = 512;

/** All of them are copies that nobody else holds. */
function memoryOf(tensors: readonly TensorStart[]): ArrayBuffer[] {
  return tensors.flatMap(({ data }) => (ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : []));
}
