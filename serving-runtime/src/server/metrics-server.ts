/**
 * What watches a server, and no client of it: metrics, and health, which a kubelet can ask here also where the data ports want a
 * certificate or a token that it does not have.
 */
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { ServerContext } from './context.ts';

export function createMetricsServer({ metrics, obstacle }: ServerContext): Server {
  return createServer((request, response) => {
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
    void metrics.text().then((text) => {
      response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
    });
  });
}
