/** One request and its answer, on the client's side of the proxy. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { ApiRequest } from './api-request.ts';

export interface Exchange {
  readonly incoming: IncomingMessage | Http2ServerRequest;
  readonly outgoing: ServerResponse | Http2ServerResponse;
  readonly request: ApiRequest;
  readonly body: Buffer;
  /** What the journal knew when it came. */
  readonly mark: number;
  /** Aborted as soon as the client is gone. */
  readonly gone: AbortSignal;
}

/** Writes and waits while the client is slow. Does nothing once it is gone. */
export async function writeChunk({ outgoing, gone }: Exchange, chunk: Buffer): Promise<void> {
  if (gone.aborted || chunk.length === 0) return;
  // The two response types say the same with incompatible overloads.
  const writable = outgoing as ServerResponse;
  if (writable.write(chunk)) return;
  await new Promise<void>((resolve) => {
    writable.once('drain', resolve);
    gone.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** The client sees a broken connection instead of an answer, or in the middle of one. */
export function cut({ incoming, outgoing }: Exchange): void {
  if (isHttp2(outgoing)) outgoing.stream.session?.destroy();
  else incoming.socket.destroy();
}

/** As `cut`, with a TCP RST where the client speaks HTTP/1.1. */
export function reset(exchange: Exchange): void {
  if (isHttp2(exchange.outgoing)) return cut(exchange);
  exchange.incoming.socket.resetAndDestroy();
}

export function answerStatus({ outgoing }: Exchange, code: number, retryAfterSeconds: number | undefined): void {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'the fault proxy says so',
    reason: REASONS[code] ?? '',
    details: retryAfterSeconds === undefined ? {} : { retryAfterSeconds },
    code,
  };
  const head = outgoing as ServerResponse;
  head.writeHead(code, {
    'content-type': 'application/json',
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  });
  head.end(JSON.stringify(status));
}

/** As in k8s.io/apimachinery, pkg/apis/meta/v1/types.go (StatusReason). */
const REASONS: Readonly<Record<number, string>> = {
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  409: 'Conflict',
  410: 'Expired',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

function isHttp2(outgoing: Exchange['outgoing']): outgoing is Http2ServerResponse {
  return 'stream' in outgoing;
}
