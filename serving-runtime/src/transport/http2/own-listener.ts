/** Our own HTTP/2 for sockets that somebody else accepted. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Tolerance } from './conduct.ts';
import type { AddressConduct } from './conduct.ts';
import type { Http2Listener, RequestListener } from './exchange.ts';
import { peerOf } from '../peer.ts';
import { HTTP2_LIMITS } from './limits.ts';
import type { Http2Limits } from './limits.ts';
import { serveSocket } from './socket-connection.ts';
import type { SocketConnection } from './socket-connection.ts';

const TICK_MS = 1000;
/** How often a drain looks whether all have gone. */
const DRAIN_POLL_MS = 20;

export interface OwnListenerOptions {
  readonly limits?: Partial<Http2Limits>;
  /** Told of what no client can have caused. */
  readonly onFault?: (cause: unknown) => void;
  /** How often the clocks are looked at, in milliseconds. */
  readonly tickMs?: number;
}

export function createOwnListener(
  listener: RequestListener,
  { limits: given = {}, onFault = () => {}, tickMs = TICK_MS }: OwnListenerOptions = {},
): Http2Listener {
  const limits = { ...HTTP2_LIMITS, ...given };
  const now = () => performance.now();
  const connections = new Set<SocketConnection>();
  const addresses = new Map<string, Tolerance>();
  const ticker = setInterval(() => {
    for (const connection of connections) connection.tick();
    for (const [address, tolerance] of addresses) if (tolerance.isFull(now())) addresses.delete(address);
  }, tickMs).unref();

  const conductOf = (address: string): AddressConduct => ({
    useReset: (time) => {
      const tolerance = addresses.get(address) ?? new Tolerance(limits.resetsOfAddress, time);
      addresses.set(address, tolerance);
      return tolerance.use(time);
    },
    earnReset: () => addresses.get(address)?.earn(1),
  });

  return {
    take: (socket) => {
      if (connections.size >= limits.maxConnections) {
        socket.destroy();
        return;
      }
      const peer = peerOf(socket);
      const address = conductOf(peer.address);
      const connection = serveSocket(socket, { limits, listener, now, address, peer }, onFault);
      connections.add(connection);
      socket.once('close', () => connections.delete(connection));
    },
    drain: async () => {
      for (const connection of connections) connection.drain();
      while (connections.size > 0) await sleep(DRAIN_POLL_MS);
      clearInterval(ticker);
    },
    close: () => {
      clearInterval(ticker);
      for (const connection of connections) connection.destroy();
    },
  };
}
