/** Whether a request that failed at one endpoint may go to another. */

/** What is known of a request that got no answer. */
export type Failure =
  /** Nothing of it reached a server: there was no connection, or the stream was refused. */
  | 'unreached'
  /** The server said that it cannot answer now (503, UNAVAILABLE), which it says before it begins. */
  | 'unavailable'
  /** The connection broke before a byte of an answer. */
  | 'broken'
  /** The pod hangs: it may answer some time, and may be at work. */
  | 'silent';

export interface Attempted {
  readonly failure: Failure;
  /** How often it was sent so far. */
  readonly attempts: number;
  /** Whether all that was sent of it can be sent again. */
  readonly isReplayable: boolean;
  /** Asking twice is the same as asking once: it reads, or it is an inference. */
  readonly isIdempotent: boolean;
}

const MAX_ATTEMPTS = 2;

export function mayRetry({ failure, attempts, isReplayable, isIdempotent }: Attempted): boolean {
  if (attempts >= MAX_ATTEMPTS || !isReplayable) return false;
  return failure === 'broken' || failure === 'silent' ? isIdempotent : true;
}

/** REST of the Open Inference Protocol and of KServe's v1: a prediction changes nothing. */
const INFERENCE_PATH = /^\/v2\/models\/[^?]*\/infer(?:\?|$)|^\/v1\/models\/[^/?]+:predict(?:\?|$)/;
const INFERENCE_SERVICE = '/inference.GRPCInferenceService/';
const READING_RPCS: ReadonlySet<string> = new Set([
  ...['ServerLive', 'ServerReady', 'ModelReady', 'ServerMetadata', 'ModelMetadata', 'ModelInfer'].map(
    (method) => INFERENCE_SERVICE + method,
  ),
  '/grpc.health.v1.Health/Check',
]);
const READING_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function isRepeatable({ method, path, isGrpc }: { method: string; path: string; isGrpc: boolean }): boolean {
  if (isGrpc) return READING_RPCS.has(path);
  return READING_METHODS.has(method) || (method === 'POST' && INFERENCE_PATH.test(path));
}

/** Methods that are known to have one question and one answer. */
const UNARY_RPC = /^\/inference\.GRPCInferenceService\/(?!ModelStreamInfer$)|^\/grpc\.health\.v1\.Health\/Check$/;

/** What may go on for as long as both sides like: nobody can tell from the head of a call whether its method is a stream. */
export function isStream({ path, isGrpc }: { path: string; isGrpc: boolean }): boolean {
  return isGrpc && !UNARY_RPC.test(path);
}

/** Of a revision's requests, so many may be sent twice because a server said that it cannot, or is too busy to say anything: where all are so, asking more makes it worse. */
const RETRIES_A_REQUEST = 0.1;
const MAX_SAVED_RETRIES = 50;

export class RetryBudget {
  #left = MAX_SAVED_RETRIES;

  earn(): void {
    this.#left = Math.min(MAX_SAVED_RETRIES, this.#left + RETRIES_A_REQUEST);
  }

  /** False where there is nothing left. */
  use(): boolean {
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
