/**
 * Requests to the API server that are no objects: logs, and what a pod answers through the proxy. Objects go through the
 * client of `kube`, which knows nothing else.
 */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { RequestOptions } from 'node:https';
import { KubeApiError, TransientError } from '@slipway/kube';
import type { KubeConfig } from '@slipway/kube';

export interface RawRequest {
  readonly method?: 'GET' | 'POST';
  /** From `/api` on, without the query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Milliseconds until the headers of the answer are there; 0 for ever. Default 30,000. */
  readonly timeoutMs?: number;
}

export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

export interface ApiServer {
  /** Any answer, also one that is not 2xx: through the proxy it may be that of a pod. Rejects with TransientError where there is none. */
  request(request: RawRequest): Promise<RawAnswer>;
  /** The body of a 2xx answer as it arrives, until `signal` aborts. Rejects with KubeApiError for any other answer. */
  stream(request: RawRequest): Promise<AsyncIterable<Buffer>>;
}

const USER_AGENT = 'slipway-cli';

export function createApiServer(config: KubeConfig): ApiServer {
  async function send(request: RawRequest): Promise<IncomingMessage> {
    const server = new URL(config.getCurrentCluster()?.server ?? '');
    const options: RequestOptions = {};
    await config.applyToHTTPSOptions(options);
    const query = new URLSearchParams(request.query).toString();
    const path = `${server.pathname.replace(/\/+$/, '')}${request.path}${query === '' ? '' : `?${query}`}`;
    return exchange({ ...options, ...addressOf(server), path, method: request.method ?? 'GET' }, request);
  }

  return {
    async request(request) {
      const answer = await send(request);
      return { status: answer.statusCode ?? 0, text: await textOf(answer) };
    },
    async stream(request) {
      const answer = await send(request);
      const status = answer.statusCode ?? 0;
      if (status < 200 || status > 299) throw toKubeApiError(status, await textOf(answer));
      return answer;
    },
  };
}

function addressOf({ protocol, hostname, port }: URL): RequestOptions {
  return { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? undefined : port };
}

function exchange(options: RequestOptions, request: RawRequest): Promise<IncomingMessage> {
  const { body, signal, timeoutMs = 30_000 } = request;
  const headers = {
    ...(options.headers as Record<string, string> | undefined),
    'user-agent': USER_AGENT,
    ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
  };
  return new Promise((resolve, reject) => {
    const start = options.protocol === 'http:' ? httpRequest : httpsRequest;
    const sent = start({ ...options, headers, ...(signal === undefined ? {} : { signal }) });
    const giveUp = () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`));
    const timer = timeoutMs === 0 ? undefined : setTimeout(giveUp, timeoutMs);
    sent.on('response', (answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
    sent.on('error', (cause) => {
      clearTimeout(timer);
      reject(new TransientError('ConnectionFailed', cause.message, { cause }));
    });
    sent.end(body);
  });
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

export function toKubeApiError(code: number, text: string): KubeApiError {
  const { reason = '', message } = parseStatus(text);
  return new KubeApiError({ code, reason, message: message ?? (text.trim() === '' ? `HTTP ${code}` : text.trim()) });
}

function parseStatus(text: string): { reason?: string; message?: string } {
  try {
    const body = JSON.parse(text) as { kind?: unknown; reason?: string; message?: string } | null;
    return body?.kind === 'Status' ? body : {};
  } catch {
    return {};
  }
}
