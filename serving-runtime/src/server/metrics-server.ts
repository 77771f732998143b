/**
 * What watches a server, and no client of it: metrics, and health, which a kubelet can ask here also where the data ports want a
 * certificate or a token that it does not have.
 */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createConnectionLimits } from '../transport/connection-limits.ts';
import { arrivalLimits } from '../transport/http/arrival-limits.ts';
import type { ServerContext } from './context.ts';

/** Enough for everybody who has something to do here; one address cannot keep the others out. */
const CONNECTIONS = { total: 1000, perAddress: 100 };
/** What is asked here has no body. */
const MAX_RECEIVE_MS = 10_000;

export function createMetricsServer({ metrics, obstacle, unexpected }: ServerContext, receiveMs: number): Server {
  const admit = createConnectionLimits(CONNECTIONS);
  const server = createServer(arrivalLimits(Math.min(MAX_RECEIVE_MS, receiveMs)), (request, response) => {
    const json = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/v2/health/live') {
      json(200, { live: true });
      return;
    }
    if (request.url === '/v2/health/ready') {
      const why = obstacle();
      if (why === undefined) json(200, { ready: true });
      else json(503, { ready: false, error: why });
      return;
    }
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      (cause: unknown) => {
        unexpected(cause);
        json(500, { error: 'internal error; the log of the server says more' });
      },
    );
  });
  server.on('connection', (socket: Socket) => {
    if (!admit(socket)) socket.destroy();
  });
  return server;
}
