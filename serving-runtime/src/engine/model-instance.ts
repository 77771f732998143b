import { Worker } from 'node:worker_threads';
import type { Tensor } from '../protocol/datatypes.ts';
import type { TensorSpec } from '../protocol/inference.ts';
import type { RunMessage, WorkerMessage, WorkerSettings } from './messages.ts';

/** The model could not be loaded. `message` is for people; `detail` is what ONNX Runtime said, for the log. */
export class ModelLoadError extends Error {
  override name = 'ModelLoadError';
  readonly detail: string;

  constructor(message: string, detail: string) {
    super(message);
    this.detail = detail;
  }
}

/** The model refused what it was given, although that fits its signature. */
export class ModelRunError extends Error {
  override name = 'ModelRunError';
}

/** The worker ended while the request was with it. */
export class WorkerLost extends Error {
  override name = 'WorkerLost';
}

export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export interface RunResult {
  readonly outputs: readonly Tensor[];
  readonly microseconds: number;
}

/** One session of a model in a thread of its own; runs one request at a time. */
export interface ModelInstance {
  readonly signature: Signature;
  run(inputs: readonly Tensor[], outputs: readonly string[]): Promise<RunResult>;
  /** Settles when the thread has ended, by `close` or by itself. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

interface Waiting {
  resolve(result: RunResult): void;
  reject(cause: Error): void;
}

/** Starts a worker and resolves when it has loaded the model. @throws {ModelLoadError} */
export async function startInstance(settings: WorkerSettings): Promise<ModelInstance> {
  const worker = new Worker(new URL('./inference-worker.ts', import.meta.url), { workerData: settings });
  const waiting = new Map<number, Waiting>();
  let nextId = 0;
  const ended = new Promise<void>((resolve) => {
    worker.on('error', () => {}); // 'exit' follows, and tells all that matters
    worker.on('exit', () => {
      for (const { reject } of waiting.values()) reject(new WorkerLost('the worker ended'));
      waiting.clear();
      resolve();
    });
  });
  const signature = await loaded(worker, ended);
  worker.on('message', (message: WorkerMessage) => settle(waiting, message));
  return {
    signature,
    ended,
    run: (inputs, outputs) =>
      new Promise((resolve, reject) => {
        const message: RunMessage = { id: nextId++, inputs, outputs };
        waiting.set(message.id, { resolve, reject });
        worker.postMessage(message, transferable(inputs));
      }),
    close: async () => {
      await worker.terminate();
    },
  };
}

async function loaded(worker: Worker, ended: Promise<void>): Promise<Signature> {
  const first = new Promise<WorkerMessage>((resolve) => worker.once('message', resolve));
  const message = await Promise.race([first, ended.then(() => undefined)]);
  if (message?.kind === 'loaded') return { inputs: message.inputs, outputs: message.outputs };
  await worker.terminate();
  if (message?.kind === 'loadFailed') throw new ModelLoadError(message.reason, message.detail);
  throw new ModelLoadError('loading it ended the worker', 'no message');
}

function settle(waiting: Map<number, Waiting>, message: WorkerMessage): void {
  if (message.kind !== 'done' && message.kind !== 'runFailed') return;
  const request = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.kind === 'done') request?.resolve({ outputs: message.outputs, microseconds: message.microseconds });
  else request?.reject(new ModelRunError(message.detail));
}

/** Inputs are never used again on this side, so their memory moves instead of being copied. */
function transferable(inputs: readonly Tensor[]): ArrayBuffer[] {
  const buffers = inputs.flatMap(({ data }) => (ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : []));
  return [...new Set(buffers)];
}
