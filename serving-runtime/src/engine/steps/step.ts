/** A step as a server that we ask: whether it is ready, what it takes and gives, and what it makes of tensors. */
import type { Tensor } from '../../protocol/datatypes.ts';
import { RequestError } from '../../protocol/errors.ts';
import type { Cancellation } from '../cancellation.ts';
import type { Signature } from '../model-instance.ts';
import { decodeMetadata, decodeOutputs, encodeInference, errorOf, listsBinary } from './step-codec.ts';
import type { StepInference } from './step-codec.ts';
import { openStepConnection } from './step-connection.ts';
import type { StepAnswer, StepRequest } from './step-connection.ts';
import { broken, refused, unavailable } from './step-failure.ts';
import type { StepName } from './step-failure.ts';

export interface StepEvents {
  ready(): void;
  notReady(why: string): void;
  /** It is to blame for a failure; `detail` is for the log. */
  failed(detail: string): void;
  /** Whatever came of it. */
  asked(seconds: number): void;
}

export interface StepPatience {
  readonly timeoutMs: number;
  readonly signal: Cancellation | undefined;
}

export interface Step {
  readonly name: StepName;
  /** What it takes and gives; undefined until it has said so. */
  readonly signature: Signature | undefined;
  /** Why it cannot be asked; undefined when it can. */
  readonly obstacle: string | undefined;
  /** Resolves with its outputs. @throws {RequestError} */
  infer(inference: StepInference, patience: StepPatience): Promise<readonly Tensor[]>;
  close(): void;
}

export interface StepOptions {
  readonly name: StepName;
  readonly url: string;
  /** What the step calls the model. */
  readonly model: string;
  /** Requests that it works on, or that wait for it, at most; of their bodies, as many bytes. */
  readonly maxRequests: number;
  readonly maxBytes: number;
}

const LOOK_EVERY_MS = 1_000;
const LOOK_TIMEOUT_MS = 2_000;
/** One that is busy may be late now and then. */
const LATE_LOOKS = 3;
/** Nobody is there, whatever else. */
const GONE = ['ECONNREFUSED', 'ENOTFOUND', 'EADDRNOTAVAIL'];

/** Resolves when it was looked at once. */
export async function openStep(options: StepOptions, events: StepEvents): Promise<Step> {
  const { name, model } = options;
  const { host } = new URL(options.url);
  const connection = openStepConnection(new URL(options.url));
  const path = `/v2/models/${encodeURIComponent(model)}`;
  let signature: Signature | undefined;
  let isBinary = false;
  let obstacle: string | undefined = 'it was not asked yet';
  let lateLooks = 0;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;
  const underWay = { requests: 0, bytes: 0 };

  const lost = (why: string) => {
    if (obstacle === why) return;
    obstacle = why;
    events.notReady(why);
  };

  const get = async (asked: string): Promise<StepAnswer> => {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS);
    return connection.ask({ method: 'GET', path: asked, signal });
  };

  const expect200 = async (asked: string): Promise<StepAnswer> => {
    const answer = await get(asked);
    if (answer.status !== 200) throw new Error(`it answered ${answer.status} to GET ${asked}`);
    return answer;
  };

  const look = async (): Promise<void> => {
    try {
      await expect200('/v2/health/ready');
      lateLooks = 0;
      if (obstacle === undefined) return;
      signature = decodeMetadata((await expect200(path)).body);
      isBinary = listsBinary(await get('/v2'));
      obstacle = undefined;
      events.ready();
    } catch (cause) {
      const isLate = (cause as Error).name === 'TimeoutError';
      lateLooks = isLate ? lateLooks + 1 : 0;
      if (!isLate || lateLooks >= LATE_LOOKS || obstacle !== undefined) lost(reasonOf(cause, host));
    }
  };

  const lookAgain = () => {
    if (isClosed) return;
    timer = setTimeout(() => void look().then(lookAgain), LOOK_EVERY_MS);
    timer.unref();
  };

  /** @throws {RequestError} */
  const ask = async (request: StepRequest): Promise<StepAnswer> => {
    try {
      return await connection.ask(request);
    } catch (cause) {
      if (cause instanceof RequestError) throw cause;
      events.failed(String(cause));
      if (GONE.includes((cause as NodeJS.ErrnoException).code ?? '')) lost(reasonOf(cause, host));
      throw unavailable(name, 'it broke off without an answer');
    }
  };

  const outputsOf = (answer: StepAnswer): readonly Tensor[] => {
    const { status } = answer;
    if (status !== 200) {
      const words = errorOf(answer);
      const failure = refused(name, status, words);
      if (failure.code === 'Internal') events.failed(`${status}: ${words ?? 'no error in its body'}`);
      throw failure;
    }
    try {
      return decodeOutputs(answer);
    } catch (cause) {
      events.failed((cause as Error).message);
      throw broken(name, 'its answer cannot be read');
    }
  };

  await look();
  lookAgain();
  return {
    name,
    get signature() {
      return signature;
    },
    get obstacle() {
      return obstacle;
    },
    infer: async (inference, patience) => {
      if (obstacle !== undefined) throw unavailable(name, `it is not ready: ${obstacle}`);
      const { body, headers } = encodeInference(inference, isBinary);
      if (underWay.requests >= options.maxRequests || underWay.bytes + body.length > options.maxBytes)
        throw unavailable(name, 'too many requests wait for it');
      underWay.requests += 1;
      underWay.bytes += body.length;
      const begun = performance.now();
      const end = endOf(name, patience);
      try {
        return outputsOf(await ask({ method: 'POST', path: `${path}/infer`, headers, body, signal: end.signal }));
      } finally {
        end.clear();
        underWay.requests -= 1;
        underWay.bytes -= body.length;
        events.asked((performance.now() - begun) / 1000);
      }
    },
    close: () => {
      isClosed = true;
      clearTimeout(timer);
      connection.close();
    },
  };
}

/** A signal that is aborted, with what the client is told, when nobody waits any more. */
function endOf(name: StepName, { timeoutMs, signal }: StepPatience): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  const cancel = () => controller.abort(new RequestError('Cancelled', 'the client gave up'));
  const late = () => controller.abort(new RequestError('DeadlineExceeded', `${name}: it did not answer in time`));
  const timer = setTimeout(late, Math.max(0, timeoutMs));
  if (signal?.aborted === true) cancel();
  else signal?.addEventListener('abort', cancel);
  return {
    signal: controller.signal,
    clear: () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', cancel);
    },
  };
}

function reasonOf(cause: unknown, host: string): string {
  const { code, name, message } = cause as NodeJS.ErrnoException;
  if (code !== undefined && GONE.includes(code)) return `nobody answers at ${host}`;
  if (name === 'TimeoutError') return `it did not answer within ${LOOK_TIMEOUT_MS / 1000} s`;
  return code === undefined || cause instanceof RequestError ? message : `it broke off the connection (${code})`;
}
