/** A client's connection on a socket, and the clocks that end what does not move. */
import type { Socket } from 'node:net';
import { carryConnection } from './carry-connection.ts';
import { ErrorCode } from './errors.ts';
import type { Http2Limits } from './limits.ts';
import type { Outlet } from './sender.ts';
import { ServerConnection } from './server-connection.ts';
import type { ServerOptions } from './server-connection.ts';

export interface SocketConnection {
  /** Looks at the clocks. */
  tick(): void;
  drain(): void;
  destroy(): void;
}

/** `onFault` is told of what no client can have caused. */
export function serveSocket(
  socket: Socket,
  options: ServerOptions,
  onFault: (cause: unknown) => void,
): SocketConnection {
  const { limits, now } = options;
  const create = (outlet: Outlet) => new ServerConnection(options, outlet);
  const { connection, isEnding, refuse } = carryConnection(socket, { limits, create, onFault });
  const clocks = createClocks(socket, connection, limits);
  return {
    tick: () => {
      if (isEnding()) return;
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
      connection.drain();
      setTimeout(() => connection.endDrain(), limits.drainMs).unref();
    },
    destroy: () => socket.destroy(),
  };
}

type Verdict = 'stalled' | 'slow' | 'idle' | undefined;

function createClocks(socket: Socket, connection: ServerConnection, limits: Http2Limits): (time: number) => Verdict {
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
