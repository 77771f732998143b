/** The TLS front of the proxy, for HTTP/1.1 and HTTP/2. */
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { Certificate } from './certificate.ts';
import type { Exchange } from './exchange.ts';

export interface Server {
  readonly url: string;
  /** Breaks what is still open. */
  close(): Promise<void>;
}

type Listener = (incoming: Exchange['incoming'], outgoing: Exchange['outgoing']) => void;

export async function listen({ cert, key }: Certificate, onRequest: Listener): Promise<Server> {
  const server = createSecureServer({ cert, key, allowHTTP1: true });
  // An idle connection closed by us could meet a request on its way: that would be a fault without a plan.
  Object.assign(server, { keepAliveTimeout: 0, requestTimeout: 0, headersTimeout: 0 });
  server.on('request', onRequest);
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {}); // a killed client
  });
  server.on('sessionError', () => {});
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A kubeconfig (JSON, which is YAML) whose only cluster is this server. Client certificates cannot pass a proxy: a token can. */
export function kubeconfigFor(server: string, { ca }: Certificate, token: string): string {
  const cluster = { server, 'certificate-authority-data': Buffer.from(ca).toString('base64') };
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster }],
    users: [{ name: 'client', user: { token } }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'client' } }],
    'current-context': 'proxy',
  });
}
