/** One sampled request, from its head to its end. */
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import { valueOf } from '../proxy/raw-headers.ts';
import type { ProxiedRequest } from '../proxy/request.ts';
import type { Route, Sampling } from '../routing/route.ts';
import { BodyStart } from './body-start.ts';
import type { SampleMemory } from './body-start.ts';
import type { Outcome, Sample, SampledBody } from './sample.ts';

/** What a line takes beside the bodies. */
export const LINE_BYTES = 1024;
/** Before each message of gRPC: whether it is compressed, and its length. */
const GRPC_PREFIX_BYTES = 5;
const IS_COMPRESSED = 1;
const MAX_PATH = 1024;
/** As the metrics have it where a client goes. */
const CODES_OF_CLIENT_GONE = { grpc: 1, http: 499 };

export interface Recording {
  readonly route: Route;
  readonly request: ProxiedRequest;
  readonly sampling: Sampling;
  readonly isMirrored: boolean;
  /** In milliseconds since 1970. */
  readonly startedAt: number;
}

export interface RecorderDeps {
  readonly memory: SampleMemory;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** Takes the sample, with its share of the memory. */
  readonly deliver: (sample: Sample) => void;
  /** There was no room for it; its share of the memory is free again. */
  readonly dropped: (route: Route) => void;
}

export class Recorder {
  readonly #deps: RecorderDeps;
  readonly #recording: Recording;
  readonly #begunAt: number;
  readonly #requestBody: BodyStart;
  readonly #answerBody: BodyStart;
  /** Undefined until the answer begins; `:status` first. */
  #answerFields: readonly HeaderField[] | undefined;
  #isOver = false;

  /** A line's share of the memory must have been taken. */
  constructor(deps: RecorderDeps, recording: Recording) {
    this.#deps = deps;
    this.#recording = recording;
    this.#begunAt = deps.now();
    const { sampling, request } = recording;
    const maxBytes =
      request.isGrpc && sampling.maxBytes > 0 ? sampling.maxBytes + GRPC_PREFIX_BYTES : sampling.maxBytes;
    this.#requestBody = new BodyStart(deps.memory, maxBytes);
    this.#answerBody = new BodyStart(deps.memory, maxBytes);
  }

  requestData(chunk: Uint8Array): void {
    this.#add(this.#requestBody, chunk);
  }

  answered(fields: readonly HeaderField[]): void {
    this.#answerFields ??= fields;
  }

  answerData(chunk: Uint8Array): void {
    this.#add(this.#answerBody, chunk);
  }

  /** Only the first end counts. @param revision Default: as the answer says it. */
  ended(outcome: Outcome, trailers: readonly HeaderField[] = [], revision?: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const { route, request, isMirrored, startedAt } = this.#recording;
    const { head, isGrpc, id } = request;
    const fields = this.#answerFields;
    const who = revision ?? valueOf(fields ?? [], 'x-slipway-revision');
    this.#deps.deliver({
      startedAt,
      requestId: id,
      namespace: route.namespace,
      service: route.name,
      revision: who,
      modelVersion: route.backends.find((backend) => backend.revision === who)?.modelVersion,
      isGrpc,
      method: head.method,
      path: (head.path.split('?')[0] ?? '').slice(0, MAX_PATH),
      isMirrored,
      outcome,
      code: this.#codeOf(outcome, trailers),
      durationSeconds: (this.#deps.now() - this.#begunAt) / 1000,
      request: bodyOf(this.#requestBody, head.fields, isGrpc),
      answer: fields && bodyOf(this.#answerBody, fields, isGrpc),
      heldBytes: this.#heldBytes(),
    });
  }

  #add(body: BodyStart, chunk: Uint8Array): void {
    if (this.#isOver || body.add(chunk)) return;
    this.#isOver = true;
    this.#deps.memory.give(this.#heldBytes());
    this.#deps.dropped(this.#recording.route);
  }

  #heldBytes(): number {
    return LINE_BYTES + this.#requestBody.kept + this.#answerBody.kept;
  }

  #codeOf(outcome: Outcome, trailers: readonly HeaderField[]): number | undefined {
    const { isGrpc } = this.#recording.request;
    if (outcome === 'ClientGone') return CODES_OF_CLIENT_GONE[isGrpc ? 'grpc' : 'http'];
    const fields = this.#answerFields ?? [];
    const code = isGrpc
      ? (valueOf(trailers, 'grpc-status') ?? valueOf(fields, 'grpc-status'))
      : valueOf(fields, ':status');
    return wholeNumber(code);
  }
}

function bodyOf(body: BodyStart, fields: readonly HeaderField[], isGrpc: boolean): SampledBody {
  const contentType = valueOf(fields, 'content-type');
  if (isGrpc) return { ...messageOf(body, fields), contentType, inferenceHeaderLength: undefined };
  return {
    contentType,
    contentEncoding: valueOf(fields, 'content-encoding'),
    inferenceHeaderLength: wholeNumber(valueOf(fields, 'inference-header-content-length')),
    bytes: body.bytes,
    start: body.whole(),
  };
}

/** The one message of a unary call. */
function messageOf(body: BodyStart, fields: readonly HeaderField[]) {
  const start = body.whole();
  return {
    contentEncoding: start[0] === IS_COMPRESSED ? (valueOf(fields, 'grpc-encoding') ?? 'unknown') : undefined,
    bytes: Math.max(0, body.bytes - GRPC_PREFIX_BYTES),
    start: start.subarray(GRPC_PREFIX_BYTES),
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
