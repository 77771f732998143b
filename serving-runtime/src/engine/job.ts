/** A request that waits for its part of a run. */
import type { Tensor } from '../protocol/datatypes.ts';
import { RequestError } from '../protocol/errors.ts';
import type { JsonObject } from '../protocol/json-body.ts';
import type { Waiting } from './batch-queue.ts';
import type { Cancellation } from './cancellation.ts';

export interface Inference {
  /** In the order of the signature. */
  readonly inputs: readonly Tensor[];
  /** Names. */
  readonly outputs: readonly string[];
  /** How long the client waits, in milliseconds; the setting `timeoutSeconds` where it does not say. */
  readonly timeoutMs?: number | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: Cancellation | undefined;
  /** What the client calls it, and its parameters: for the steps before and after a model. */
  readonly id?: string | undefined;
  readonly parameters?: JsonObject | undefined;
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

/** With whom a request may share a run, and how much of it that takes. */
export type Share = Pick<Waiting, 'key' | 'rows'>;

export class Job implements Waiting {
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly string[];
  readonly timed: Inference['timed'];
  readonly queuedAt = performance.now();
  readonly answer: Promise<readonly Tensor[]>;
  readonly #signal: Cancellation | undefined;
  readonly #ended: (job: Job) => void;
  #resolve: (outputs: readonly Tensor[]) => void = () => {};
  #reject: (cause: RequestError) => void = () => {};
  #timer: NodeJS.Timeout | undefined;

  /** `ended` is told once, when it has its answer or its failure. */
  constructor({ inputs, outputs, signal, timed }: Inference, { key, rows }: Share, ended: (job: Job) => void) {
    this.key = key;
    this.rows = rows;
    this.bytes = byteLength(inputs);
    this.inputs = inputs;
    this.outputs = outputs;
    this.timed = timed;
    this.#signal = signal;
    this.#ended = ended;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    signal?.addEventListener('abort', this.cancel);
  }

  resolve(outputs: readonly Tensor[]): void {
    this.#end();
    this.#resolve(outputs);
  }

  reject(cause: RequestError): void {
    this.#end();
    this.#reject(cause);
  }

  /** It fails after so long. */
  limit(milliseconds: number): void {
    this.#timer = setTimeout(() => this.expire(milliseconds), milliseconds);
  }

  expire(limitMs: number): void {
    this.reject(new RequestError('DeadlineExceeded', `there was no answer within ${Math.round(limitMs)} ms`));
  }

  readonly cancel = () => this.reject(CANCELLED);

  #end(): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.cancel);
    this.#ended(this);
  }
}

const CANCELLED = new RequestError('Cancelled', 'the client gave up');

function byteLength(inputs: readonly Tensor[]): number {
  let sum = 0;
  for (const { data } of inputs) sum += ArrayBuffer.isView(data) ? data.byteLength : textBytes(data);
  return sum;
}

function textBytes(data: readonly string[]): number {
  return data.reduce((sum, element) => sum + 4 + element.length, 0);
}
