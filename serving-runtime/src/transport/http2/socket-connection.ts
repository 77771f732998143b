/** A connection on a socket: one write for all that a turn of the event loop brought, and the clocks that end what does not move. */
import type { Socket } from 'node:net';
import { Http2Connection } from './connection.ts';
import type { ConnectionOptions } from './connection.ts';
import { ConnectionError, ErrorCode } from './errors.ts';
import type { Http2Limits } from './limits.ts';

export interface SocketConnection {
  /** Looks at the clocks. */
  tick(): void;
  drain(): void;
  destroy(): void;
}

/** `onFault` is told of what no client can have caused. */
export function serveSocket(
  socket: Socket,
  options: ConnectionOptions,
  onFault: (cause: unknown) => void,
): SocketConnection {
  const { limits, now } = options;
  let isFlushing = false;
  let isEnding = false;
  const outlet = { unsentBytes: () => socket.writableLength, changed: () => flushSoon() };
  const connection = new Http2Connection(options, outlet);
  const clocks = createClocks(socket, connection, limits);

  function flushSoon(): void {
    if (isFlushing) return;
    isFlushing = true;
    setImmediate(flush);
  }

  function flush(): void {
    isFlushing = false;
    const chunks = connection.sender.output.takeChunks();
    if (!socket.writable) return;
    if (chunks.length > 1) socket.cork();
    for (const chunk of chunks) socket.write(chunk);
    if (chunks.length > 1) socket.uncork();
    if (socket.writableLength > limits.maxUnsentBytes) socket.pause();
    connection.sender.pumpBlocked();
    if (connection.isDone) end();
  }

  function end(): void {
    if (isEnding) return;
    isEnding = true;
    // What still arrives is read and dropped: closing over it would make the client lose what was said last.
    socket.removeListener('data', receive);
    socket.resume();
    socket.end();
    setTimeout(() => socket.destroy(), limits.closeMs).unref();
  }

  function refuse(code: number): void {
    connection.abortAll();
    connection.goAway(code, true);
    flush();
    end();
  }

  function receive(chunk: Buffer): void {
    try {
      connection.receive(chunk);
    } catch (cause) {
      if (!(cause instanceof ConnectionError)) onFault(cause);
      refuse(cause instanceof ConnectionError ? cause.code : ErrorCode.internalError);
    }
  }

  socket.on('data', receive);
  socket.on('drain', () => {
    if (!isEnding) socket.resume();
    connection.sender.pumpBlocked();
  });
  socket.once('close', () => connection.abortAll());
  socket.on('error', () => socket.destroy());
  flushSoon();

  return {
    tick: () => {
      if (isEnding) return;
      const time = now();
      for (const stream of connection.sender.blocked) {
        if (time - stream.blockedSince > limits.stallMs) stream.fail(ErrorCode.cancel);
      }
      const verdict = clocks(time);
      if (verdict === 'stalled') socket.destroy();
      if (verdict === 'slow') refuse(ErrorCode.enhanceYourCalm);
      if (verdict === 'idle') refuse(ErrorCode.noError);
    },
    drain: () => {
      // The client is told first that it should go, and then, when all that was on its way has come, what was the last to be served.
      connection.goAway(ErrorCode.noError, false);
      setTimeout(() => connection.goAway(ErrorCode.noError, true), limits.closeMs).unref();
    },
    destroy: () => socket.destroy(),
  };
}

type Verdict = 'stalled' | 'slow' | 'idle' | undefined;

function createClocks(socket: Socket, connection: Http2Connection, limits: Http2Limits): (time: number) => Verdict {
  const openedAt = connection.now();
  let idleSince = openedAt;
  let sentBytes = 0;
  let sentAt = openedAt;
  return (time) => {
    const sent = socket.bytesWritten - socket.writableLength;
    if (sent !== sentBytes || socket.writableLength === 0) sentAt = time;
    sentBytes = sent;
    if (connection.streamCount > 0) idleSince = time;
    if (time - sentAt > limits.stallMs) return 'stalled';
    if (!connection.isOpen && time - openedAt > limits.prefaceMs) return 'slow';
    if (connection.incompleteSince > 0 && time - connection.incompleteSince > limits.frameMs) return 'slow';
    return time - idleSince > limits.idleMs ? 'idle' : undefined;
  };
}
