import type { Tensor } from '../protocol/datatypes.ts';
import type { TensorSpec } from '../protocol/inference.ts';
import { BatchMemory } from './batch-memory.ts';
import { openChannel } from './channel.ts';
import type { Channel, Isolation } from './channel.ts';
import type { InstanceMessage, SessionSettings } from './messages.ts';
import { joinRows } from './rows.ts';
import { ownsMemory } from './tensor-memory.ts';

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
  /** Whether it ran, and its results are more than a run may have. */
  readonly isTooLarge: boolean;

  constructor(detail: string, isTooLarge: boolean) {
    super(detail);
    this.isTooLarge = isTooLarge;
  }
}

/** The instance ended, or was ended because it hung, while the request was with it. */
export class InstanceLost extends Error {
  override name = 'InstanceLost';
}

export interface Signature {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

export interface RunResult {
  readonly outputs: readonly Tensor[];
  /** In the instance, without the way there and back. */
  readonly microseconds: number;
}

/** One session of a model, apart from the network thread unless its isolation is none. */
export interface ModelInstance {
  readonly signature: Signature;
  /**
   * All requests in one run: their rows one after the other. Several runs at a time take their turns.
   *
   * @param requests the inputs of each, in the order of the signature; their memory is not theirs any more.
   * @throws {ModelRunError | InstanceLost}
   */
  run(requests: readonly (readonly Tensor[])[], outputs: readonly string[]): Promise<RunResult>;
  /** Settles when it is gone, by `close` or by itself. */
  readonly ended: Promise<void>;
  /** Settles when its thread or process is gone too, which may take as long as the run that it is in. */
  readonly gone: Promise<void>;
  close(): void;
}

export interface InstanceSettings extends SessionSettings {
  readonly isolation: Isolation;
  readonly maxRunSeconds: number;
}

interface Run {
  readonly id: number;
  resolve(result: RunResult): void;
  reject(cause: Error): void;
}

/** Resolves when the model is loaded. @throws {ModelLoadError} */
export async function startInstance(settings: InstanceSettings): Promise<ModelInstance> {
  const { isolation, maxRunSeconds, ...session } = settings;
  const channel = openChannel(isolation, session);
  const inputs = createInputs(isolation);
  /** In the order in which they run. */
  const runs: Run[] = [];
  let nextId = 0;
  let watchdog: NodeJS.Timeout | undefined;
  let markLost = () => {};
  const ended = new Promise<void>((resolve) => (markLost = resolve));
  const lose = () => {
    clearTimeout(watchdog);
    for (const { reject } of runs.splice(0)) reject(new InstanceLost('the instance ended'));
    markLost();
  };
  void channel.ended.then(lose);
  const signature = await loaded(channel);
  const close = () => {
    channel.end();
    // Not when it has ended: a thread in native code may take for ever, and nobody shall wait for it.
    lose();
  };
  const watchFirst = () => {
    clearTimeout(watchdog);
    if (runs.length > 0) watchdog = setTimeout(close, maxRunSeconds * 1000);
  };
  channel.onMessage((message) => {
    if (message.kind !== 'done' && message.kind !== 'runFailed') return;
    const index = runs.findIndex(({ id }) => id === message.id);
    if (index < 0) return;
    const [run] = runs.splice(index, 1);
    if (index === 0) watchFirst();
    if (message.kind === 'done') run?.resolve({ outputs: message.outputs, microseconds: message.microseconds });
    else run?.reject(new ModelRunError(message.detail, message.isTooLarge));
  });
  return {
    signature,
    ended,
    gone: channel.ended,
    run: async (requests, outputs) => {
      const { tensors, done } = inputs(requests);
      const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
      const id = nextId++;
      runs.push({ id, resolve, reject });
      if (runs.length === 1) watchFirst();
      channel.send({ id, inputs: tensors, outputs });
      return promise.finally(done);
    },
    close,
  };
}

interface Inputs {
  readonly tensors: readonly Tensor[];
  /** Nobody reads them any more. */
  done(): void;
}

/** The inputs of a run, in memory that the instance can read. */
function createInputs(isolation: Isolation): (requests: readonly (readonly Tensor[])[]) => Inputs {
  const free: BatchMemory[] = [];
  return (requests) => {
    const [first = []] = requests;
    if (requests.length === 1 && ownsMemory(first)) return { tensors: first, done: () => {} };
    // Another process is sent a copy.
    if (isolation === 'process') return { tensors: joinRows(requests), done: () => {} };
    const memory = free.pop() ?? new BatchMemory();
    memory.begin();
    const tensors = joinRows(requests, (datatype, count) => memory.create(datatype, count));
    return { tensors, done: () => void free.push(memory) };
  };
}

async function loaded(channel: Channel): Promise<Signature> {
  const first = new Promise<InstanceMessage>((resolve) => channel.onMessage(resolve));
  const message = await Promise.race([first, channel.ended.then(() => undefined)]);
  if (message?.kind === 'loaded') return { inputs: message.inputs, outputs: message.outputs };
  channel.end();
  if (message?.kind === 'loadFailed') throw new ModelLoadError(message.reason, message.detail);
  throw new ModelLoadError('loading it ended the instance; is there enough memory?', 'no message');
}
