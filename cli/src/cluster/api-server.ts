/**
 * Requests to the API server that are no objects: logs, and what a pod answers through the proxy. Objects go through the
 * client of `kube`, which knows nothing else.
 */
import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { RequestOptions } from 'node:https';
import { isIP } from 'node:net';
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
  /** What a pod behind the proxy reads in `Host`, which the API server hands on as it came. Default: the API server's own. */
  readonly host?: string;
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
    const { hostname, ...address } = addressOf(server);
    const options: RequestOptions = { servername: serverNameOf(hostname) };
    await config.applyToHTTPSOptions(options);
    const query = new URLSearchParams(request.query).toString();
    const path = `${server.pathname.replace(/\/+$/, '')}${request.path}${query === '' ? '' : `?${query}`}`;
    return exchange({ ...options, ...address, hostname, path, method: request.method ?? 'GET' }, request);
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

function addressOf({ protocol, hostname, port }: URL) {
  return { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? undefined : port };
}

/** Said to the agent, which would else take the name that the certificate has to have from `Host`. An address is no name for that. */
function serverNameOf(host: string): string {
  return isIP(host) === 0 ? host : '';
}

function exchange(options: RequestOptions, request: RawRequest): Promise<IncomingMessage> {
  const { body, signal, host, timeoutMs = 30_000 } = request;
  const headers = {
    ...(options.headers as Record<string, string> | undefined),
    'user-agent': USER_AGENT,
    ...(host === undefined ? {} : { host }),
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
  const { reason = '', message } = parseStatus(text) ?? {};
  return new KubeApiError({ code, reason, message: message ?? (text.trim() === '' ? `HTTP ${code}` : text.trim()) });
}

/** Through the proxy: whether the API server says this itself, and not the pod behind it. */
export function isOfApiServer({ text }: RawAnswer): boolean {
  return parseStatus(text) !== undefined;
}

function parseStatus(text: string): { reason?: string; message?: string } | undefined {
  try {
    const body = JSON.parse(text) as { kind?: unknown; reason?: string; message?: string } | null;
    return body?.kind === 'Status' ? body : undefined;
  } catch {
    return undefined;
  }
}
