/** The API server's side of the proxy. */
import { Agent, request as httpsRequest } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

export interface UpstreamRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly signal?: AbortSignal;
}

export interface Upstream {
  /** Resolves with the head of the answer; the body is still to be read. Rejects when there is none. */
  send(request: UpstreamRequest): Promise<IncomingMessage>;
  close(): void;
}

/** Headers about one connection, not about the message (RFC 9110, section 7.6.1); HTTP/2 forbids them. */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
];

export function createUpstream(server: string, ca: string): Upstream {
  const agent = new Agent({ ca, keepAlive: true });
  return {
    send: ({ method, url, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        const request = httpsRequest(
          new URL(url, server),
          { method, agent, headers: requestHeaders(headers, body), ...(signal === undefined ? {} : { signal }) },
          resolve,
        );
        request.on('error', reject);
        request.end(body);
      }),
    close: () => agent.destroy(),
  };
}

export async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function endToEndHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const kept = Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name) && !name.startsWith(':'));
  return Object.fromEntries(kept);
}

/** Without accept-encoding, so that the journal can read what comes back. */
function requestHeaders(headers: IncomingHttpHeaders, body: Buffer): IncomingHttpHeaders {
  const { host: _host, 'accept-encoding': _encoding, ...rest } = endToEndHeaders(headers);
  return body.length === 0 ? rest : { ...rest, 'content-length': String(body.length) };
}
