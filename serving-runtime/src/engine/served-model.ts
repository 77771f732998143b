import { setTimeout as sleep } from 'node:timers/promises';
import type { Tensor } from '../protocol/datatypes.ts';
import { RequestError } from '../protocol/errors.ts';
import { ModelRunError, startInstance, WorkerLost } from './model-instance.ts';
import type { ModelInstance, RunResult, Signature } from './model-instance.ts';
import type { RepositoryEntry } from './repository.ts';
import { createRequestQueue } from './request-queue.ts';
import { warmUpInputs } from './warm-up.ts';

export interface ModelSettings {
  /** Sessions that run at the same time, each in a thread of its own. */
  readonly instances: number;
  /** Threads of ONNX Runtime within one run. */
  readonly threads: number;
  readonly maxQueuedRequests: number;
  readonly maxQueuedBytes: number;
}

export interface ModelEvents {
  /** An instance ended by itself; it is started again. */
  instanceLost(entry: RepositoryEntry): void;
  /** The model failed on a request that fits its signature; `detail` is for the log. */
  runFailed(entry: RepositoryEntry, detail: string): void;
}

export interface InferResult extends RunResult {
  /** How long the request waited for a free instance. */
  readonly queueMicroseconds: number;
}

export interface ServedModel {
  readonly entry: RepositoryEntry;
  readonly signature: Signature;
  /** @throws {RequestError} */
  infer(inputs: readonly Tensor[], outputs: readonly string[]): Promise<InferResult>;
  /** Requests that wait or run. */
  pending(): number;
  /** Whether at least one instance can take a request. */
  isReady(): boolean;
  close(): Promise<void>;
}

interface Job {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[];
  readonly queuedAt: number;
  resolve(result: InferResult): void;
  reject(cause: RequestError): void;
}

const RESTART_BACKOFF_MS = [100, 1_000, 5_000, 30_000];

/** Loads a model into all its instances and lets each answer one warm-up request. @throws {ModelLoadError} */
export async function loadModel(
  entry: RepositoryEntry,
  settings: ModelSettings,
  events: ModelEvents,
): Promise<ServedModel> {
  const queue = createRequestQueue<Job>(settings.maxQueuedRequests, settings.maxQueuedBytes);
  const idle: ModelInstance[] = [];
  let running = 0;
  let alive = 0;
  let closed = false;

  const start = async (): Promise<ModelInstance> => {
    const instance = await startInstance({ path: entry.path, threads: settings.threads });
    await warmUp(instance);
    alive++;
    void instance.ended.then(() => lost(instance));
    return instance;
  };

  const lost = async (instance: ModelInstance): Promise<void> => {
    alive--;
    const index = idle.indexOf(instance);
    if (index >= 0) idle.splice(index, 1);
    if (closed) return;
    events.instanceLost(entry);
    for (let tries = 0; !closed; tries++) {
      await sleep(RESTART_BACKOFF_MS[Math.min(tries, RESTART_BACKOFF_MS.length - 1)]);
      const next = await start().catch(() => undefined);
      if (next !== undefined) return serve(next);
    }
  };

  const serve = (instance: ModelInstance): void => {
    const job = queue.next();
    if (job === undefined) return void idle.push(instance);
    running++;
    void runJob(instance, job).then((usable) => {
      running--;
      if (usable) serve(instance);
    });
  };

  const runJob = async (instance: ModelInstance, job: Job): Promise<boolean> => {
    const queueMicroseconds = (performance.now() - job.queuedAt) * 1000;
    try {
      job.resolve({ ...(await instance.run(job.inputs, job.outputs)), queueMicroseconds });
      return true;
    } catch (cause) {
      if (cause instanceof ModelRunError) events.runFailed(entry, cause.message);
      job.reject(runError(cause));
      return !(cause instanceof WorkerLost);
    }
  };

  const instances = await Promise.all(Array.from({ length: settings.instances }, start));
  const [first] = instances;
  if (first === undefined) throw new Error('a model needs at least one instance');
  idle.push(...instances);
  return {
    entry,
    signature: first.signature,
    infer: (inputs, outputs) =>
      new Promise((resolve, reject) => {
        const job = { inputs, outputs, queuedAt: performance.now(), resolve, reject };
        if (!queue.add(job, byteLength(inputs))) {
          return reject(new RequestError('Unavailable', 'too many requests wait for this model; try again later'));
        }
        const instance = idle.pop();
        if (instance !== undefined) serve(instance);
      }),
    pending: () => queue.length + running,
    isReady: () => alive > 0,
    close: async () => {
      closed = true;
      await Promise.all(idle.map((instance) => instance.close()));
    },
  };
}

async function warmUp(instance: ModelInstance): Promise<void> {
  const outputs = instance.signature.outputs.map((output) => output.name);
  try {
    await instance.run(warmUpInputs(instance.signature.inputs), outputs);
  } catch (cause) {
    // Zeros need not mean anything to a model: that it failed on them is no reason not to serve it, but a lost worker is.
    if (!(cause instanceof ModelRunError)) throw cause;
  }
}

function runError(cause: unknown): RequestError {
  if (cause instanceof ModelRunError) {
    return new RequestError(
      'InvalidArgument',
      'the model could not run on these inputs; do their shapes fit together?',
    );
  }
  return new RequestError('Unavailable', 'the model server lost the worker that ran this request; try again');
}

function byteLength(inputs: readonly Tensor[]): number {
  return inputs.reduce((sum, { data }) => sum + (ArrayBuffer.isView(data) ? data.byteLength : textBytes(data)), 0);
}

function textBytes(data: readonly string[]): number {
  return data.reduce((sum, element) => sum + 4 + element.length, 0);
}
