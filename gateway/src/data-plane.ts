/** The port that clients ask, for all protocols, and how it ends. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionLimits } from '@slipway/serving-runtime/transport/connection-limits';
import type { ConnectionLimits } from '@slipway/serving-runtime/transport/connection-limits';
import { createOwnListener } from '@slipway/serving-runtime/transport/http2/own-listener';
import { tellByPreface } from '@slipway/serving-runtime/transport/shared-port';
import { createHttp1Front } from './proxy/http1-front.ts';
import { createProxy } from './proxy/proxy.ts';
import type { ProxyOptions } from './proxy/proxy.ts';

export interface DataPlaneOptions extends ProxyOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly connections: ConnectionLimits;
  /** Told of what no client can have caused. */
  readonly onFault: (cause: unknown) => void;
}

export interface DataPlane {
  readonly port: number;
  /**
   * Goes on as before, but each answer over HTTP/1.1 says that its connection ends: so clients leave by themselves while they
   * are served, and those connections that are closed later have long been idle, where no request can cross with the end.
   */
  turnAway(): void;
  /**
   * Takes no new connections, tells clients to go elsewhere, and resolves when what they asked is answered. After `graceMs`, what
   * waits for a pod is refused, and what is not answered is broken off.
   */
  stop(graceMs: number): Promise<void>;
}

/** Streams of a connection at a time: many clients may share one, behind a proxy or a library that keeps one a process. */
const HTTP2_LIMITS = { maxConcurrentStreams: 256, maxRunning: 512 };

/** Until refusals have reached clients. */
const REFUSING_MS = 500;

/** Rejects when the port is taken. */
export async function startDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const { host, port, connections, onFault } = options;
  const proxy = createProxy(options);
  const http1 = createHttp1Front({ listener: proxy.listener('http1'), onUpgrade: proxy.upgrade });
  const http2 = createOwnListener(proxy.listener('http2'), {
    onFault,
    limits: { ...HTTP2_LIMITS, maxConnections: connections.total },
  });
  const take = tellByPreface(http1.take, http2.take);
  const admit = createConnectionLimits(connections);
  const server = createServer({ noDelay: true }, (socket: Socket) => {
    if (admit(socket)) take(socket);
    else socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    turnAway: http1.turnAway,
    stop: async (graceMs) => {
      server.close();
      const answered = Promise.all([http1.drain(), http2.drain(), proxy.webSocketsClosed()]);
      await Promise.race([answered, sleep(graceMs, undefined, { ref: false })]);
      if (proxy.refuseWaiting() > 0) await Promise.race([answered, sleep(REFUSING_MS, undefined, { ref: false })]);
      http1.close();
      http2.close();
      proxy.close();
    },
  };
}
