/**
 * Requests as spans of OpenTelemetry, by its conventions for servers of HTTP and RPC
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans, …/rpc/grpc), with what the model did below them. Never a payload.
 * Loaded only where there are traces.
 */
import { propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Span, TextMapGetter, TimeInput } from '@opentelemetry/api';
import { GRPC_STATUS_NAMES } from '../protocol/errors.ts';
import type { RequestRecord } from './request-record.ts';
import { isFailure } from './request-watcher.ts';
import type { InferenceEnd, InferenceStart, RequestWatcher } from './request-watcher.ts';

const HEADERS: TextMapGetter<RequestRecord> = { get: ({ header }, name) => header(name), keys: () => [] };
/** A path is what the client makes it. */
const MAX_PATH_LENGTH = 256;
/** What a probe asks every few seconds would be most of what is seen. */
const PROBES = /^\/(v2\/health\/|grpc\.health\.v1\.|inference\.GRPCInferenceService\/Server(Live|Ready)$)/;

export function createRequestSpans(): RequestWatcher {
  const tracer = trace.getTracer('@slipway/serving-runtime');
  const spans = new WeakMap<RequestRecord, Span>();
  return {
    began: (record) => {
      if (PROBES.test(record.path)) return;
      const parent = propagation.extract(ROOT_CONTEXT, record, HEADERS);
      const options = { kind: SpanKind.SERVER, startTime: wallClock(record.started), attributes: beginning(record) };
      const span = tracer.startSpan(record.protocol === 'grpc' ? 'grpc' : record.method, options, parent);
      spans.set(record, span);
      record.traceId = span.spanContext().traceId;
    },
    inferenceBegan: (record, inference) => {
      const span = spans.get(record);
      if (span?.isRecording() !== true) return undefined;
      const parent = trace.setSpan(ROOT_CONTEXT, span);
      return (end) => {
        const attributes = inferenceAttributes(inference);
        for (const [name, from, to, more] of parts(end)) {
          const options = { startTime: wallClock(from), attributes: { ...attributes, ...more } };
          tracer.startSpan(name, options, parent).end(wallClock(to));
        }
      };
    },
    ended: (record, status) => {
      const span = spans.get(record);
      if (span?.isRecording() === true) describe(span, record, status);
      span?.end(wallClock(performance.now()));
    },
  };
}

/** Of the clock of `performance.now`. */
function wallClock(milliseconds: number): TimeInput {
  return performance.timeOrigin + milliseconds;
}

/** What is known before anything of the request is read; samplers may decide by it. */
function beginning({ protocol, method, path, peer, header }: RequestRecord): Attributes {
  const common = { 'client.address': peer.address, 'user_agent.original': header('user-agent') };
  if (protocol === 'grpc') return { 'rpc.system.name': 'grpc', ...common };
  const url = { 'url.path': path.slice(0, MAX_PATH_LENGTH), ...common };
  return protocol === 'http'
    ? { 'http.request.method': method, ...url }
    : { ...url, 'network.protocol.name': 'websocket' };
}

function inferenceAttributes({ id, model, version, inputs }: InferenceStart): Attributes {
  return {
    'slipway.model.name': model,
    'slipway.model.version': version,
    'slipway.inference.id': id,
    'slipway.inference.rows': inputs[0]?.shape[0] ?? 0,
  };
}

type Part = readonly [name: string, from: number, to: number, attributes: Attributes];

/** Where the time of an inference went, if the model ran for it. */
function parts({ times }: InferenceEnd): readonly Part[] {
  if (times === undefined) return [];
  return [
    ['queue', times.queuedAt, times.begunAt, {}],
    ['run', times.begunAt, times.endedAt, { 'slipway.batch.rows': times.rows }],
  ];
}

function describe(span: Span, record: RequestRecord, status: number): void {
  const { model, version, rows, requestId, failure, protocol } = record;
  const told = protocol === 'grpc' ? grpcEnding(record, status) : httpEnding(record, status);
  span.updateName(told.name);
  span.setAttributes({
    ...told.attributes,
    'slipway.request.id': requestId,
    ...(model === undefined
      ? {}
      : { 'slipway.model.name': model, 'slipway.model.version': version, 'slipway.rows': rows }),
  });
  if (!isFailure(record, status)) return;
  // What a client did wrong is no failure of the server, but somebody will want to know.
  if (failure !== undefined) span.setAttribute('slipway.error.message', failure.message);
  if (told.error === undefined) return;
  span.setAttribute('error.type', told.error);
  span.setStatus({ code: SpanStatusCode.ERROR, ...(failure === undefined ? {} : { message: failure.message }) });
}

interface Ending {
  /** Of few kinds, whatever clients ask. */
  readonly name: string;
  readonly attributes: Attributes;
  /** By the conventions, where the server is to blame. */
  readonly error: string | undefined;
}

function httpEnding({ protocol, method, route }: RequestRecord, status: number): Ending {
  const verb = protocol === 'http' ? method : 'WebSocket';
  return {
    name: route === undefined ? verb : `${verb} ${route}`,
    attributes: { 'http.route': route, ...(protocol === 'http' ? { 'http.response.status_code': status } : {}) },
    error: status >= 500 ? String(status) : undefined,
  };
}

/** UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const FAULTS: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

function grpcEnding({ route, path }: RequestRecord, status: number): Ending {
  const name = GRPC_STATUS_NAMES[status] ?? String(status);
  return {
    name: route === undefined ? 'grpc' : route.slice(1),
    attributes: {
      'rpc.status_code': name,
      ...(route === undefined
        ? { 'rpc.method': '_OTHER', 'rpc.method_original': path.slice(1, MAX_PATH_LENGTH) }
        : { 'rpc.method': route.slice(1) }),
    },
    error: FAULTS.has(status) ? name : undefined,
  };
}
