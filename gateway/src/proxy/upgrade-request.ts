/** A request to a pod by Node's client, which knows how a connection leaves HTTP/1.1. */
import type { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { rawHeadersOf } from './raw-headers.ts';
import { HAS_BODY_BY_DEFAULT } from './upstream/http1/request-text.ts';
import { CONNECT_MS } from './upstream/upstream.ts';
import type { UpstreamRequest } from './upstream/upstream.ts';

/** Sent are the fields as they are; nothing is added but that there is no body. */
export function requestOptions({ endpoint, port, method, path, authority, fields }: UpstreamRequest) {
  const headers = ['host', authority, ...rawHeadersOf(fields)];
  if (HAS_BODY_BY_DEFAULT.has(method)) headers.push('content-length', '0');
  return { host: endpoint.address, port, method, path, headers };
}

/** Tells when there is a connection, and ends the request when that takes too long. */
export function watchConnecting(request: ClientRequest, connected: () => void): void {
  request.once('socket', (socket: Socket) => {
    if (!socket.connecting) {
      connected();
      return;
    }
    const timer = setTimeout(() => socket.destroy(new Error('not connected in time')), CONNECT_MS);
    socket.once('close', () => clearTimeout(timer));
    socket.once('connect', () => {
      clearTimeout(timer);
      connected();
    });
  });
}
