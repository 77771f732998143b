/** The same over node:http2: what our own is compared with, and what can be served with instead of it. */
import { createServer } from 'node:http2';
import type { Socket } from 'node:net';
import type { OutgoingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange, ExchangeEvents, Http2Listener, RequestListener } from './exchange.ts';
import type { HeaderField } from './header-field.ts';
import { peerOf } from '../peer.ts';
import { HTTP2_LIMITS } from './limits.ts';

const SESSION_MEMORY_MB = 64;
const DRAIN_POLL_MS = 20;

export function createNodeListener(listener: RequestListener): Http2Listener {
  const { maxConcurrentStreams, streamWindowBytes, maxHeaderListBytes, headerTableBytes, idleMs } = HTTP2_LIMITS;
  const server = createServer({
    settings: {
      maxConcurrentStreams,
      headerTableSize: headerTableBytes,
      initialWindowSize: streamWindowBytes,
      maxHeaderListSize: maxHeaderListBytes,
    },
    maxSessionMemory: SESSION_MEMORY_MB,
  });
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    session.setTimeout(idleMs, () => session.close());
  });
  server.on('sessionError', () => {});
  server.on('stream', (stream, _headers, _flags, rawHeaders) => {
    const peer = peerOf(stream.session?.socket as Socket);
    serveStream(stream, { request: requestHead(rawHeaders), peer }, listener);
  });
  return {
    take: (socket) => {
      server.emit('connection', socket);
    },
    drain: async () => {
      for (const session of sessions) session.close();
      while (sessions.size > 0) await sleep(DRAIN_POLL_MS);
    },
    close: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

function serveStream(
  stream: ServerHttp2Stream,
  { request, peer }: Pick<Exchange, 'request' | 'peer'>,
  listener: RequestListener,
): void {
  let held = 0;
  let isFinished = false;
  const exchange: Exchange = {
    request,
    peer,
    consumed: (bytes) => {
      held -= bytes;
      if (held < HTTP2_LIMITS.streamWindowBytes) stream.resume();
    },
    respond: (fields, isLast = false) => {
      isFinished ||= isLast;
      if (!stream.closed) stream.respond(headersOf(fields), { endStream: isLast, waitForTrailers: !isLast });
      if (isLast) stopRequest();
    },
    write: (data) => stream.closed || stream.write(data),
    end: (trailers = []) => {
      if (isFinished || stream.closed) return;
      isFinished = true;
      stream.once('wantTrailers', () => {
        stream.sendTrailers(headersOf(trailers));
        stopRequest();
      });
      stream.end();
    },
    reset: (code) => {
      isFinished = true;
      if (!stream.closed) stream.close(code);
    },
  };

  /** Node reads and drops what a client goes on to send, once nobody listens. */
  function stopRequest(): void {
    stream.removeAllListeners('data');
    stream.resume();
  }

  stream.on('error', () => {});
  const events: ExchangeEvents = listener(exchange);
  stream.on('data', (chunk: Buffer) => {
    held += chunk.length;
    if (held >= HTTP2_LIMITS.streamWindowBytes) stream.pause();
    events.data(chunk);
  });
  stream.on('end', () => {
    if (!isFinished) events.end();
  });
  stream.on('drain', () => events.drained());
  stream.on('close', () => {
    if (!isFinished) events.aborted();
  });
}

function requestHead(rawHeaders: readonly string[]): Exchange['request'] {
  const all: HeaderField[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    all.push({ name: rawHeaders[index] ?? '', value: rawHeaders[index + 1] ?? '' });
  }
  const valueOf = (wanted: string) => all.find(({ name }) => name === wanted)?.value;
  return {
    method: valueOf(':method') ?? '',
    path: valueOf(':path') ?? '',
    authority: valueOf(':authority'),
    fields: all.filter(({ name }) => !name.startsWith(':')),
  };
}

function headersOf(fields: readonly HeaderField[]): OutgoingHttpHeaders {
  return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
}
