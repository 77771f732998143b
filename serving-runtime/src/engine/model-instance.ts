import type { Tensor } from '../protocol/datatypes.ts';
import type { TensorSpec } from '../protocol/inference.ts';
import { openChannel } from './channel.ts';
import type { Channel, Isolation } from './channel.ts';
import type { InstanceMessage, SessionSettings } from './messages.ts';

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
  /** Takes the memory of the inputs. @throws {ModelRunError | InstanceLost} */
  run(inputs: readonly Tensor[], outputs: readonly string[]): Promise<RunResult>;
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
  resolve(result: RunResult): void;
  reject(cause: Error): void;
  readonly timer: NodeJS.Timeout;
}

/** Resolves when the model is loaded. @throws {ModelLoadError} */
export async function startInstance(settings: InstanceSettings): Promise<ModelInstance> {
  const { isolation, maxRunSeconds, ...session } = settings;
  const channel = openChannel(isolation, session);
  const runs = new Map<number, Run>();
  let nextId = 0;
  let markLost = () => {};
  const ended = new Promise<void>((resolve) => (markLost = resolve));
  const lose = () => {
    for (const { reject, timer } of runs.values()) {
      clearTimeout(timer);
      reject(new InstanceLost('the instance ended'));
    }
    runs.clear();
    markLost();
  };
  void channel.ended.then(lose);
  const signature = await loaded(channel);
  channel.onMessage((message) => settle(runs, message));
  const close = () => {
    channel.end();
    // Not when it has ended: a thread in native code may take for ever, and nobody shall wait for it.
    lose();
  };
  return {
    signature,
    ended,
    gone: channel.ended,
    run: (inputs, outputs) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        runs.set(id, { resolve, reject, timer: setTimeout(close, maxRunSeconds * 1000) });
        channel.send({ id, inputs, outputs });
      }),
    close,
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

function settle(runs: Map<number, Run>, message: InstanceMessage): void {
  if (message.kind !== 'done' && message.kind !== 'runFailed') return;
  const run = runs.get(message.id);
  if (run === undefined) return;
  runs.delete(message.id);
  clearTimeout(run.timer);
  if (message.kind === 'done') run.resolve({ outputs: message.outputs, microseconds: message.microseconds });
  else run.reject(new ModelRunError(message.detail, message.isTooLarge));
}
