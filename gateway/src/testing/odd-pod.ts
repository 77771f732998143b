/** Servers that stand for pods that do not do as they should. */
import { createServer } from 'node:http';
import type { RequestListener, Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Backend } from '../routing/route.ts';
import { aBackend } from './routes.ts';

export interface OddPod {
  readonly port: number;
  /** Requests that reached it: method, path and headers. */
  readonly seen: readonly SeenRequest[];
  backend(revision: string, weight: number): Backend;
  stop(): Promise<void>;
}

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly rawHeaders: readonly string[];
  /** As far as it has come. */
  readonly body: () => string;
}

export async function startOddPod(answer: RequestListener, address = '127.0.0.1', port = 0): Promise<OddPod> {
  const seen: SeenRequest[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
    seen.push({
      method: request.method ?? '',
      path: request.url ?? '',
      rawHeaders: request.rawHeaders,
      body: () => text,
    });
    answer(request, response);
  });
  // On a machine that is busy elsewhere, the end of an idle connection would cross with the next request.
  server.keepAliveTimeout = 600_000;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  const { port: listening } = server.address() as AddressInfo;
  return {
    port: listening,
    seen,
    backend: (revision, weight) =>
      aBackend(revision, weight, { at: [address], httpPort: listening, grpcPort: listening }),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
