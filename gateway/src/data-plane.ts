/** The port that clients ask, for all protocols, and how it ends. */
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createConnectionLimits } from '@slipway/serving-runtime/transport/connection-limits';
import type { ConnectionLimits } from '@slipway/serving-runtime/transport/connection-limits';
import { createOwnListener } from '@slipway/serving-runtime/transport/http2/own-listener';
import { tellByPreface } from '@slipway/serving-runtime/transport/shared-port';
import { createTlsPorts } from '@slipway/serving-runtime/transport/tls-ports';
import type { TlsOptions } from '@slipway/serving-runtime/transport/tls-ports';
import { createHttp1Front } from './proxy/http1-front.ts';
import { createProxy } from './proxy/proxy.ts';
import type { ProxyOptions } from './proxy/proxy.ts';

export interface DataPlaneOptions extends ProxyOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly connections: ConnectionLimits;
  /** The same over TLS, at a port of its own; clients may show certificates. Default: no such port. */
  readonly tls?: (Omit<TlsOptions, 'isClientCertificateOptional'> & { readonly port: number }) | undefined;
}

export interface DataPlane {
  readonly port: number;
  /** Undefined where there is none. */
  readonly tlsPort: number | undefined;
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
  const { host, port, connections, tls, onFault } = options;
  const proxy = createProxy(options);
  const http1 = createHttp1Front({ listener: proxy.listener('http1'), onUpgrade: proxy.upgrade });
  const http2 = createOwnListener(proxy.listener('http2'), {
    onFault,
    limits: { ...HTTP2_LIMITS, maxConnections: connections.total },
  });
  const take = tellByPreface(http1.take, http2.take);
  const admit = createConnectionLimits(connections);
  const listenWith = (at: number, taken: (socket: Socket) => void) =>
    listening({ host, port: at }, (socket) => {
      if (admit(socket)) taken(socket);
      else socket.destroy();
    });
  const server = await listenWith(port, take);
  const secured = tls && createTlsPorts({ ...tls, isClientCertificateOptional: true }, http1.take, http2.take);
  const tlsServer = secured && (await listenWith(tls.port, secured.takeShared));
  return {
    port: portOf(server),
    tlsPort: tlsServer && portOf(tlsServer),
    turnAway: http1.turnAway,
    stop: async (graceMs) => {
      server.close();
      tlsServer?.close();
      const answered = Promise.all([http1.drain(), http2.drain(), proxy.webSocketsClosed()]);
      await Promise.race([answered, sleep(graceMs, undefined, { ref: false })]);
      if (proxy.refuseWaiting() > 0) await Promise.race([answered, sleep(REFUSING_MS, undefined, { ref: false })]);
      http1.close();
      http2.close();
      proxy.close();
    },
  };
}

/** Rejects when the port is taken. */
async function listening(
  at: { readonly host: string; readonly port: number },
  taken: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer({ noDelay: true }, taken);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, resolve);
  });
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}
