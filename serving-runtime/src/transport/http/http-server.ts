/** HTTP/1.1: limits, routing, and one place where answers and errors become bytes. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { RequestCancellation } from '../../engine/cancellation.ts';
import type { Authorize } from '../../server/access/access.ts';
import type { RequestObserver } from '../../server/request-watcher.ts';
import type { ServerContext } from '../../server/context.ts';
import { currentRequest } from '../../server/request-record.ts';
import { ERROR_CODES, toRequestError } from '../../protocol/errors.ts';
import { errorAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { arrivalLimits } from './arrival-limits.ts';
import { corsHeaders, isPreflight } from './cors.ts';
import { authorized, factsOf } from './credentials.ts';
import { findRoute, routeName } from './routing.ts';
import type { Call, Route } from './routing.ts';

/** For the log: nobody was there to take the answer. */
const CANCELLED = ERROR_CODES.Cancelled.http;

const MAX_HEADER_BYTES = 16 * 1024;

export interface HttpServer {
  /** Hands over a connection that was accepted elsewhere. */
  take(socket: Socket): void;
  /** Resolves when every request that has begun has its answer. Idle connections are closed. */
  done(): Promise<void>;
}

export interface HttpOptions {
  readonly routes: readonly Route[];
  /** How long a request may take to arrive. */
  readonly receiveMs: number;
  /** Whose pages browsers may let ask this server; `*` for all. */
  readonly corsOrigins: readonly string[];
  /** undefined: everybody may ask. */
  readonly authorize: Authorize | undefined;
  /** undefined: nobody is told of requests. */
  readonly observer: RequestObserver | undefined;
  /** Gets the connections that shall speak WebSocket; undefined: none may. */
  readonly onUpgrade: ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined;
}

export function createHttpServer(context: ServerContext, options: HttpOptions): HttpServer {
  const { receiveMs, corsOrigins, onUpgrade, observer } = options;
  const open = new Set<ServerResponse>();
  let settled = () => {};
  const limits = { ...arrivalLimits(receiveMs), maxHeaderSize: MAX_HEADER_BYTES };
  const server = createServer({ ...limits, shouldUpgradeCallback: isWebSocket }, (request, response) => {
    const gone = new RequestCancellation();
    const record = observer?.begin(factsOf(request, 'http'));
    open.add(response);
    response.once('close', () => {
      if (!response.writableFinished) gone.abort();
      if (record !== undefined) observer?.end(record, response.writableFinished ? response.statusCode : CANCELLED);
      open.delete(response);
      if (open.size === 0) settled();
    });
    const cors = corsHeaders(request, corsOrigins);
    const work = () =>
      answer(options, { request, signal: gone }, cors !== undefined)
        .catch((cause: unknown) => {
          context.unexpected(cause);
          if (record !== undefined) record.failure = toRequestError(cause);
          return errorAnswer(cause);
        })
        .then((result) => send(context, { request, response }, { ...result, headers: { ...result.headers, ...cors } }));
    void (record === undefined ? work() : currentRequest.run(record, work));
  });
  if (onUpgrade !== undefined) server.on('upgrade', onUpgrade);
  // It looks for slow and idle clients from the moment when it listens, which it never does itself.
  server.emit('listening');
  return {
    take: (socket) => server.emit('connection', socket),
    done: async () => {
      if (open.size > 0) await new Promise<void>((resolve) => (settled = resolve));
      server.closeIdleConnections();
    },
  };
}

/** Any other protocol that is offered, as `curl --http2` and Java's client offer h2c, need not be taken (RFC 9110, section 7.8). */
function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

async function answer(
  { routes, authorize }: HttpOptions,
  { request, signal }: Pick<Call, 'request' | 'signal'>,
  isCors: boolean,
): Promise<Answer> {
  if (isCors && isPreflight(request)) return { status: 204, body: '' };
  const { route, model, version } = findRoute(routes, request);
  const record = currentRequest.getStore();
  if (record !== undefined) record.route = routeName(route, version);
  if (!route.isOpen) await authorized(authorize, request);
  return route.handler({ request, signal, model, version });
}

function send(
  context: ServerContext,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  { status, body, headers = {} }: Answer,
): void {
  // What is left of a body that nobody read would be taken for the next request.
  const close = context.isDraining() || !request.complete;
  const record = currentRequest.getStore();
  const given = context.answerHeaders(record?.requestId ?? request.headers['x-request-id']);
  if (record !== undefined) record.bytesOut = body.length;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': typeof body === 'string' ? Buffer.byteLength(body) : body.length,
    ...given,
    ...headers,
    ...(close ? { connection: 'close' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
