/** gRPC to pods, over connections that all requests share. */
import { connect, constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { fieldsOf, rawHeadersOf } from '../raw-headers.ts';
import { CONNECT_MS } from './http1.ts';
import type { Upstream, UpstreamCall, UpstreamEvents, UpstreamFailure, UpstreamRequest } from './upstream.ts';

const MAX_CONNECTIONS_PER_POD = 8;
/** Until the server has said how many it takes. */
const STREAMS_AT_FIRST = 100;
const IDLE_MS = 60_000;
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
const MAX_HEADER_LIST_BYTES = 16 * 1024;

const { NGHTTP2_CANCEL, NGHTTP2_REFUSED_STREAM, NGHTTP2_FLAG_END_STREAM } = constants;

/** A connection, and what its requests have to know of it. */
interface Connection {
  readonly session: ClientHttp2Session;
  isConnected: boolean;
  streams: number;
}

export function createHttp2Upstream(): Upstream {
  const connections = new Map<string, Connection[]>();

  function connectionFor(address: string): Connection | 'full' {
    const known = connections.get(address) ?? [];
    const free = known.find(hasRoom);
    if (free !== undefined) return free;
    if (known.length >= MAX_CONNECTIONS_PER_POD) return 'full';
    const connection = openConnection(address, () => {
      const left = (connections.get(address) ?? []).filter((other) => other !== connection);
      if (left.length === 0) connections.delete(address);
      else connections.set(address, left);
    });
    connections.set(address, [...known, connection]);
    return connection;
  }

  return {
    open: (request, events) => {
      const { address } = request.endpoint;
      const host = address.includes(':') ? `[${address}]` : address;
      const connection = connectionFor(`http://${host}:${request.port}`);
      return connection === 'full' ? failedCall('full', events) : openCall(connection, request, events);
    },
    close: () => {
      for (const { session } of [...connections.values()].flat()) session.destroy();
    },
  };
}

function hasRoom({ session, streams, isConnected }: Connection): boolean {
  if (session.closed || session.destroyed) return false;
  return streams < (isConnected ? (session.remoteSettings.maxConcurrentStreams ?? Infinity) : STREAMS_AT_FIRST);
}

function openConnection(address: string, gone: () => void): Connection {
  const session = connect(address, {
    settings: {
      enablePush: false,
      initialWindowSize: STREAM_WINDOW_BYTES,
      maxHeaderListSize: MAX_HEADER_LIST_BYTES,
    },
  });
  const connection: Connection = { session, isConnected: false, streams: 0 };
  const timer = setTimeout(() => session.destroy(new Error('not connected in time')), CONNECT_MS);
  session.once('connect', () => {
    clearTimeout(timer);
    connection.isConnected = true;
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
  });
  session.setTimeout(IDLE_MS, () => {
    if (connection.streams === 0) session.close();
  });
  // Its streams are told, too.
  session.on('error', () => {});
  // It takes no new requests, and ends when those that it has are answered.
  session.on('goaway', gone);
  session.once('close', () => {
    clearTimeout(timer);
    gone();
  });
  return connection;
}

function openCall(
  connection: Connection,
  { method, path, authority, fields, body }: UpstreamRequest,
  events: UpstreamEvents,
): UpstreamCall {
  const head = [':method', method, ':scheme', 'http', ':authority', authority, ':path', path, ...rawHeadersOf(fields)];
  const stream = connection.session.request(head, { endStream: body === 'none' });
  connection.streams += 1;
  let isOver = false;
  let trailers: readonly string[] = [];
  const finish = (tell: () => void) => {
    if (isOver) return;
    isOver = true;
    tell();
  };
  stream.on('response', (_headers, flags, rawHeaders) => {
    if (isOver) return;
    const isLast = (flags & NGHTTP2_FLAG_END_STREAM) !== 0;
    events.answered({ status: statusIn(rawHeaders), fields: fieldsOf(rawHeaders), isLast });
  });
  stream.on(
    'trailers',
    (_headers: unknown, _flags: number, rawTrailers: readonly string[]) => (trailers = rawTrailers),
  );
  stream.on('data', (chunk: Buffer) => {
    if (!isOver) events.data(chunk);
  });
  stream.on('end', () => {
    // A stream that is broken off ends, too.
    if (stream.rstCode === 0) finish(() => events.ended(fieldsOf(trailers)));
  });
  stream.on('drain', () => {
    if (!isOver) events.drained();
  });
  stream.on('error', () => {});
  stream.on('close', () => {
    connection.streams -= 1;
    finish(() => events.failed(failureOf(connection, stream)));
  });
  return {
    write: (chunk) => stream.write(chunk),
    end: () => void stream.end(),
    pause: () => void stream.pause(),
    resume: () => void stream.resume(),
    cancel: () => {
      isOver = true;
      stream.close(NGHTTP2_CANCEL);
      stream.resume();
    },
  };
}

function failureOf({ isConnected }: Connection, { rstCode }: ClientHttp2Stream): UpstreamFailure {
  if (!isConnected) return 'unconnected';
  return rstCode === NGHTTP2_REFUSED_STREAM ? 'refused' : 'broken';
}

function statusIn(rawHeaders: readonly string[]): number {
  return rawHeaders[0] === ':status' ? Number(rawHeaders[1]) : 0;
}

function failedCall(failure: UpstreamFailure, events: UpstreamEvents): UpstreamCall {
  let isOver = false;
  queueMicrotask(() => {
    if (!isOver) events.failed(failure);
  });
  const cancel = () => {
    isOver = true;
  };
  return { write: () => true, end: () => {}, pause: () => {}, resume: () => {}, cancel };
}
