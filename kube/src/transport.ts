import type { Registry } from 'prom-client';
import type { Dispatcher } from 'undici';
import type { TakeTurn } from './budget.ts';
import type { Clock } from './clock.ts';
import type { Connection, Endpoint } from './connection.ts';
import { KubeApiError, type Status, TransientError } from './errors.ts';
import { counter, histogram } from './metrics.ts';
import { startRequestSpan } from './spans.ts';
import type { Logger } from './types.ts';

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** From `/api` on, without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
  readonly contentType?: string;
  /** What the answer may be, JSON in any case. Default application/json. */
  readonly accept?: string;
  readonly signal?: AbortSignal | undefined;
}

/** Bytes to and from the API server: deadline, credentials, errors, warnings and metrics of every request. */
export interface Transport {
  /** The JSON of a 2xx answer. Rejects with KubeApiError for any other, with TransientError when there was none. */
  json(request: ApiRequest): Promise<unknown>;
  /** The body of a 2xx answer as it arrives; the deadline ends with the headers, `signal` ends the body. */
  stream(request: ApiRequest & { readonly signal: AbortSignal }): Promise<AsyncIterable<Buffer>>;
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly connection: Connection;
  readonly takeTurn: TakeTurn;
  /** Of the API server, for metrics. */
  readonly host: string;
  readonly userAgent: string;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** Milliseconds. */
  readonly requestTimeoutMs: number;
}

export function createTransport(options: TransportOptions): Transport {
  const { connection, clock } = options;
  const measure = createRequestMetrics(options);
  const warn = createWarningLog(options.log);

  /** Sends, and once more with fresh credentials when the server no longer accepts the cached ones. */
  async function send(apiRequest: ApiRequest, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const first = await sendOnce(await connection.current(), apiRequest, signal);
    if (first.statusCode !== 401) return first;
    await first.body.dump();
    return sendOnce(await connection.refreshed(), apiRequest, signal);
  }

  async function sendOnce(
    endpoint: Endpoint,
    apiRequest: ApiRequest,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { origin, basePath, headers } = endpoint.credentials;
    const done = measure(apiRequest.method);
    const span = startRequestSpan(apiRequest.method, origin, `${basePath}${apiRequest.path}`);
    try {
      const response = await endpoint.dispatcher.request({
        origin,
        path: `${basePath}${apiRequest.path}${queryOf(apiRequest.query)}`,
        method: apiRequest.method,
        signal,
        headers: {
          ...headers,
          ...span?.headers,
          'user-agent': options.userAgent,
          accept: apiRequest.accept ?? 'application/json',
          ...(apiRequest.body === undefined ? {} : { 'content-type': apiRequest.contentType ?? 'application/json' }),
        },
        ...(apiRequest.body === undefined ? {} : { body: JSON.stringify(apiRequest.body) }),
      });
      done(String(response.statusCode));
      span?.end(response.statusCode);
      warn(response.headers['warning']);
      return response;
    } catch (cause) {
      done('<error>');
      span?.end(undefined);
      throw cause;
    }
  }

  async function waitForTurn(apiRequest: ApiRequest): Promise<void> {
    try {
      await options.takeTurn(apiRequest);
    } catch (cause) {
      throw toTransientError(cause, apiRequest);
    }
  }

  async function json(apiRequest: ApiRequest): Promise<unknown> {
    await waitForTurn(apiRequest);
    const deadline = startDeadline(clock, options.requestTimeoutMs, apiRequest.signal);
    try {
      const response = await send(apiRequest, deadline.signal);
      const text = await response.body.text();
      if (isSuccess(response)) return parseJson(text, apiRequest);
      throw toKubeApiError(response, text, clock.now());
    } catch (cause) {
      throw toTransientError(cause, apiRequest);
    } finally {
      deadline.end();
    }
  }

  async function stream(apiRequest: ApiRequest & { readonly signal: AbortSignal }): Promise<AsyncIterable<Buffer>> {
    await waitForTurn(apiRequest);
    const deadline = startDeadline(clock, options.requestTimeoutMs, apiRequest.signal);
    try {
      const response = await send(apiRequest, deadline.signal);
      if (!isSuccess(response)) throw toKubeApiError(response, await response.body.text(), clock.now());
      deadline.endTimer();
      return chunksOf(response, apiRequest, deadline);
    } catch (cause) {
      deadline.end();
      throw toTransientError(cause, apiRequest);
    }
  }

  return { json, stream, close: () => connection.close() };
}

async function* chunksOf(
  response: Dispatcher.ResponseData,
  apiRequest: ApiRequest,
  deadline: Deadline,
): AsyncIterable<Buffer> {
  try {
    for await (const chunk of response.body) yield chunk as Buffer;
  } catch (cause) {
    throw toTransientError(cause, apiRequest);
  } finally {
    deadline.end();
  }
}

interface Deadline {
  readonly signal: AbortSignal;
  /** Lets the request run on without a time limit; the caller's signal still ends it. */
  endTimer(): void;
  end(): void;
}

// AbortSignal.timeout would not follow the clock, and AbortSignal.any keeps a listener on a signal that outlives us.
function startDeadline(clock: Clock, ms: number, outer: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const onOuterAbort = () => controller.abort(outer?.reason);
  if (outer?.aborted === true) onOuterAbort();
  outer?.addEventListener('abort', onOuterAbort, { once: true });
  const timer = clock.setTimeout(
    () => controller.abort(new TransientError('RequestTimeout', `No answer within ${ms} ms`)),
    ms,
  );
  return {
    signal: controller.signal,
    endTimer: () => timer.cancel(),
    end() {
      timer.cancel();
      outer?.removeEventListener('abort', onOuterAbort);
    },
  };
}

function queryOf(query: ApiRequest['query']): string {
  const set = Object.entries(query ?? {}).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return set.length === 0 ? '' : `?${new URLSearchParams(set).toString()}`;
}

function isSuccess(response: Dispatcher.ResponseData): boolean {
  return response.statusCode >= 200 && response.statusCode < 300;
}

function parseJson(text: string, { method, path }: ApiRequest): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new TransientError('MalformedAnswer', `${method} ${path}: the answer is not JSON; is a proxy in between?`, {
      cause,
    });
  }
}

/** The answer's `Status`, or one made of the HTTP code where something else answered (a proxy, an API server that starts). */
function toKubeApiError(response: Dispatcher.ResponseData, text: string, now: Date): KubeApiError {
  const code = response.statusCode;
  const body = tryParseStatus(text);
  const status: Status = {
    code,
    reason: body?.reason ?? '',
    message: body?.message ?? `HTTP ${code}: ${text.slice(0, 200).trim() || 'no explanation'}`,
    ...(body?.details === undefined ? {} : { details: body.details }),
  };
  return new KubeApiError(status, { retryAfterMs: retryAfterOf(response.headers['retry-after'], status, now) });
}

function tryParseStatus(text: string): Partial<Status> | undefined {
  try {
    const body = JSON.parse(text) as { kind?: unknown } & Partial<Status>;
    return body.kind === 'Status' ? body : undefined;
  } catch {
    return undefined;
  }
}

/** Milliseconds; the header is whole seconds or an HTTP date (RFC 9110, section 10.2.3). */
function retryAfterOf(header: string | string[] | undefined, status: Status, now: Date): number | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  if (text !== undefined && /^\d+$/.test(text)) return Number(text) * 1000;
  const date = text === undefined ? Number.NaN : Date.parse(text);
  if (!Number.isNaN(date)) return Math.max(0, date - now.getTime());
  const seconds = status.details?.retryAfterSeconds;
  return seconds === undefined || seconds <= 0 ? undefined : seconds * 1000;
}

function toTransientError(cause: unknown, { method, path }: ApiRequest): Error {
  if (cause instanceof KubeApiError) return cause;
  if (cause instanceof TransientError && cause.reason !== 'RequestTimeout') return cause;
  const reason = cause instanceof TransientError ? cause.reason : 'ConnectionFailed';
  const message = cause instanceof Error ? cause.message : String(cause);
  return new TransientError(reason, `${method} ${path}: ${message}`, { cause });
}

const MAX_REMEMBERED_WARNINGS = 1000;

/** Logs each `Warning: 299 - "text"` of the API server once: a deprecated version, a field that is ignored. */
function createWarningLog(log: Logger): (header: string | string[] | undefined) => void {
  const seen = new Set<string>();
  return (header) => {
    for (const line of header === undefined ? [] : [header].flat()) {
      for (const [, quoted = ''] of line.matchAll(/\b299 \S+ "((?:[^"\\]|\\.)*)"/g)) {
        const text = quoted.replaceAll(/\\(.)/g, '$1');
        if (seen.has(text) || seen.size >= MAX_REMEMBERED_WARNINGS) continue;
        seen.add(text);
        log.warn({ warning: text }, 'the API server warns');
      }
    }
  };
}

/** Names and labels as in client-go (k8s.io/component-base/metrics/prometheus/restclient). */
function createRequestMetrics({ registry, clock, host }: TransportOptions): (method: string) => (code: string) => void {
  const total = counter(registry, {
    name: 'rest_client_requests_total',
    help: 'Number of HTTP requests, partitioned by status code, method, and host.',
    labelNames: ['code', 'method', 'host'],
  });
  const seconds = histogram(registry, {
    name: 'rest_client_request_duration_seconds',
    help: 'Seconds until the headers of the answer, partitioned by verb and host.',
    labelNames: ['verb', 'host'],
    buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
  });
  return (method) => {
    const start = clock.now().getTime();
    return (code) => {
      total.inc({ code, method, host });
      seconds.observe({ verb: method, host }, Math.max(0, clock.now().getTime() - start) / 1000);
    };
  };
}
