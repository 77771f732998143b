/** HTTP/1.1 of clients: Node's parser, which refuses what two servers could read in two ways, in the shape of an Exchange. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type {
  Exchange,
  ExchangeEvents,
  RequestHead,
  RequestListener,
} from '@slipway/serving-runtime/transport/http2/exchange';
import { peerOf } from '@slipway/serving-runtime/transport/peer';
import { fieldsOf, rawHeadersOf, valueOf } from './raw-headers.ts';

const LIMITS = {
  maxHeaderSize: 16 * 1024,
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  /** Longer than clients keep their connections, so that it is they who close them: else a request may cross with our end. */
  keepAliveTimeout: 75_000,
  connectionsCheckingInterval: 2_000,
};
/** A client that takes nothing of an answer for so long is given up. */
const STALL_MS = 30_000;
/** Bytes of a body that may wait for a server that is slow. */
const HELD_BYTES = 256 * 1024;

export interface Http1Front {
  /** Hands over a connection that was accepted elsewhere. */
  take(socket: Socket): void;
  /** From now on each answer says that its connection ends. */
  turnAway(): void;
  /** The same, and idle connections are closed; resolves when all that was asked is answered. */
  drain(): Promise<void>;
  close(): void;
}

export interface Http1FrontOptions {
  readonly listener: RequestListener;
  /** Gets connections that shall speak WebSocket. */
  readonly onUpgrade: (head: RequestHead, socket: Duplex, first: Buffer) => void;
}

export function createHttp1Front({ listener, onUpgrade }: Http1FrontOptions): Http1Front {
  const open = new Set<ServerResponse>();
  let isDraining = false;
  let settled = () => {};
  const turnAway = () => void (isDraining = true);
  const server = createServer(
    // A missing Host is refused like all else, with an id and in JSON.
    { ...LIMITS, requireHostHeader: false, shouldUpgradeCallback: isWebSocket },
    (request, response) => {
      open.add(response);
      response.once('close', () => {
        open.delete(response);
        if (open.size === 0) settled();
      });
      serve(listener, { request, response, isDraining: () => isDraining });
    },
  );
  server.on('upgrade', (request, socket, first) => onUpgrade(headOf(request), socket, first));
  // It looks for slow and idle clients from the moment when it listens, which it never does itself.
  server.emit('listening');
  return {
    take: (socket) => void server.emit('connection', socket),
    turnAway,
    drain: async () => {
      turnAway();
      server.closeIdleConnections();
      if (open.size > 0) await new Promise<void>((resolve) => (settled = resolve));
      server.closeIdleConnections();
    },
    close: () => server.closeAllConnections(),
  };
}

/** Any other protocol that is offered need not be taken (RFC 9110, section 7.8), and h2c would lead past all that is looked at here. */
function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

const ABSOLUTE = /^https?:\/\/([^/?#]*)([^#]*)/i;

/** A target in absolute form names the host itself, and what Host says does not count (RFC 9112, section 3.2.2). */
function headOf({ method = '', url = '', rawHeaders }: IncomingMessage): RequestHead {
  const fields = fieldsOf(rawHeaders);
  const [, authority, path = ''] = ABSOLUTE.exec(url) ?? [];
  if (authority === undefined) return { method, path: url, authority: valueOf(fields, 'host'), fields };
  return {
    method,
    path: path.startsWith('/') ? path : `/${path}`,
    authority,
    fields: fields.filter(({ name }) => name !== 'host'),
  };
}

interface Served {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly isDraining: () => boolean;
}

function serve(listener: RequestListener, { request, response, isDraining }: Served): void {
  let held = 0;
  let isFinished = false;
  let isHeadSent = false;
  let stall: NodeJS.Timeout | undefined;
  const flushHead = () => {
    if (!isHeadSent && !isFinished) response.flushHeaders();
  };
  const exchange: Exchange = {
    request: headOf(request),
    peer: peerOf(request.socket),
    consumed: (bytes) => {
      held -= bytes;
      if (held < HELD_BYTES && request.isPaused()) request.resume();
    },
    respond: (fields, isLast = false) => {
      const [status, ...rest] = fields;
      const raw = rawHeadersOf(rest);
      // What is left of a body that nobody read would be taken for the next request.
      if (isDraining() || !request.complete) raw.push('connection', 'close');
      response.writeHead(Number(status?.value), raw);
      if (isLast) exchange.end();
      // One packet for the head and what follows at once; a head that nothing follows is not held back for it.
      else setImmediate(flushHead);
    },
    write: (data) => {
      isHeadSent = true;
      const hasRoom = response.write(data);
      if (!hasRoom) stall ??= setTimeout(() => request.socket.destroy(), STALL_MS);
      return hasRoom;
    },
    end: (trailers = []) => {
      if (isFinished) return;
      isFinished = true;
      clearTimeout(stall);
      if (trailers.length > 0) response.addTrailers(trailers.map(({ name, value }) => [name, value] as const));
      response.end();
      request.resume();
    },
    reset: () => {
      isFinished = true;
      request.socket.destroy();
    },
  };
  const events: ExchangeEvents = listener(exchange);
  request.on('data', (chunk: Buffer) => {
    held += chunk.length;
    if (held >= HELD_BYTES) request.pause();
    events.data(chunk);
  });
  request.on('end', () => {
    if (!isFinished) events.end();
  });
  request.on('error', () => {});
  response.on('drain', () => {
    clearTimeout(stall);
    stall = undefined;
    events.drained();
  });
  response.on('close', () => {
    clearTimeout(stall);
    if (isFinished) return;
    isFinished = true;
    events.aborted();
  });
}
