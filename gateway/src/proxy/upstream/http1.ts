/** HTTP/1.1 to pods, over connections that are kept. */
import { createKeptSockets } from './http1/kept-sockets.ts';
import type { KeptSocketsOptions } from './http1/kept-sockets.ts';
import { Http1Call } from './http1/http1-call.ts';
import type { Upstream } from './upstream.ts';

export function createHttp1Upstream(options: KeptSocketsOptions): Upstream {
  const sockets = createKeptSockets(options);
  return {
    open: (request, events) => {
      const socket = sockets.take(request);
      try {
        const call = new Http1Call(socket, request, events);
        socket.call = call;
        return call;
      } catch (cause) {
        socket.socket.destroy();
        throw cause;
      }
    },
    close: sockets.close,
  };
}
