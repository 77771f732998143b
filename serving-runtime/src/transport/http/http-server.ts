/** HTTP/1.1: limits, routing, and one place where answers and errors become bytes. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { ServerContext } from '../../server/context.ts';
import { errorAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { corsHeaders, isPreflight } from './cors.ts';
import { findRoute } from './routing.ts';
import type { Route } from './routing.ts';

const MAX_CONNECTIONS = 4096;

/** @param corsOrigins whose pages browsers may let ask this server; `*` for all, none by default. */
export function createHttpServer(
  context: ServerContext,
  routes: readonly Route[],
  corsOrigins: readonly string[] = [],
): Server {
  const server = createServer(
    { maxHeaderSize: 16 * 1024, headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 2_000 },
    (request, response) => {
      const gone = new AbortController();
      response.once('close', () => gone.abort());
      const cors = corsHeaders(request, corsOrigins);
      void answer(routes, request, gone.signal, cors !== undefined)
        .catch((cause: unknown) => {
          context.unexpected(cause);
          return errorAnswer(cause);
        })
        .then((result) => send(context, { request, response }, { ...result, headers: { ...result.headers, ...cors } }));
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

async function answer(
  routes: readonly Route[],
  request: IncomingMessage,
  signal: AbortSignal,
  isCors: boolean,
): Promise<Answer> {
  if (isCors && isPreflight(request)) return { status: 204, body: '' };
  const { route, model, version } = findRoute(routes, request);
  return route.handler({ request, signal, model, version });
}

function send(
  context: ServerContext,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  { status, body, headers = {} }: Answer,
): void {
  // What is left of a body that nobody read would be taken for the next request.
  const close = context.isDraining() || !request.complete;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': typeof body === 'string' ? Buffer.byteLength(body) : body.length,
    ...context.answerHeaders(request.headers['x-request-id']),
    ...headers,
    ...(close ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
