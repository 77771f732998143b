/** A connection on its socket, as on both sides: one write for all that a turn of the event loop brought, and an end after which the peer can still read what was said last. */
import type { Socket } from 'node:net';
import type { Http2Connection } from './connection.ts';
import { ConnectionError, ErrorCode } from './errors.ts';
import { MAX_FRAME_BYTES } from './frames.ts';
import type { PeerLimits } from './limits.ts';
import type { Outlet } from './sender.ts';
import type { Http2Stream } from './stream.ts';

export interface Carried<Connection> {
  readonly connection: Connection;
  /** It takes part in nothing any more. */
  isEnding(): boolean;
  /** Breaks off all streams and tells the peer why. */
  refuse(code: number): void;
}

export interface CarryOptions<Connection> {
  readonly limits: Pick<PeerLimits, 'maxUnsentBytes' | 'closeMs'>;
  readonly create: (outlet: Outlet) => Connection;
  /** Told of what no peer can have caused. */
  readonly onFault: (cause: unknown) => void;
}

export function carryConnection<Connection extends Http2Connection<Http2Stream>>(
  socket: Socket,
  { limits, create, onFault }: CarryOptions<Connection>,
): Carried<Connection> {
  /** More than DATA alone can be: two peers each of which waits for the other to read would wait for ever. */
  const maxUnsentBytes = limits.maxUnsentBytes + MAX_FRAME_BYTES;
  let isFlushing = false;
  let isEnding = false;
  const connection = create({ unsentBytes: () => socket.writableLength, changed: flushSoon });

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
    if (socket.writableLength > maxUnsentBytes) socket.pause();
    connection.sender.pumpBlocked();
    if (connection.isDone) end();
  }

  function end(): void {
    if (isEnding) return;
    isEnding = true;
    // What still arrives is read and dropped: closing over it would make the peer lose what was said last.
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
  return { connection, isEnding: () => isEnding, refuse };
}
