/** The listeners of a model server, and how they end. */
import { createServer } from 'node:net';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGrpcServer } from '../transport/grpc/grpc-server.ts';
import type { Transport } from '../transport/grpc/grpc-server.ts';
import type { Http2Listener } from '../transport/http2/exchange.ts';
import { createHttpServer } from '../transport/http/http-server.ts';
import type { HttpServer } from '../transport/http/http-server.ts';
import { inferRoutes } from '../transport/http/infer-routes.ts';
import { modelRoutes } from '../transport/http/model-routes.ts';
import { repositoryRoutes } from '../transport/http/repository-routes.ts';
import { createWebSockets } from '../transport/http/web-socket.ts';
import { createJsonCodec } from '../transport/json/json-codec.ts';
import { createConnectionLimits } from '../transport/connection-limits.ts';
import type { Admit, ConnectionLimits } from '../transport/connection-limits.ts';
import { tellByPreface } from '../transport/shared-port.ts';
import { createTlsPorts } from '../transport/tls/tls-ports.ts';
import type { TlsOptions } from '../transport/tls/tls-ports.ts';
import type { RequestObserver } from './request-watcher.ts';
import type { Authorize } from './access/access.ts';
import type { ServerContext } from './context.ts';
import { createMetricsServer } from './metrics-server.ts';

export interface Ports {
  readonly http: number;
  readonly grpc: number;
  readonly metrics: number;
  /** Model control; undefined for none. */
  readonly admin: number | undefined;
}

export interface ModelServer {
  readonly ports: Ports;
  /** Takes no new connections and resolves when every request in flight has its answer. */
  stop(): Promise<void>;
}

const ADMIN_HOST = '127.0.0.1';
/** An idle gRPC connection is told to go at once; one with calls in flight has this long. */
const GRPC_GRACE_MS = 25_000;

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly ports: Ports;
  /** How long a request over HTTP/1.1 may take to arrive. */
  readonly receiveMs: number;
  readonly corsOrigins: readonly string[];
  readonly transport: Transport;
  /** Of both data ports together. */
  readonly connections: ConnectionLimits;
  /** undefined: the data ports speak in the clear. */
  readonly tls: TlsOptions | undefined;
  /** Who may ask the data ports; undefined: everybody. */
  readonly authorize: Authorize | undefined;
  /** Told of every request on the data ports; undefined: nobody is. */
  readonly observer: RequestObserver | undefined;
}

/** Rejects when a port is taken. */
export async function startModelServer(
  context: ServerContext,
  { host, ports, receiveMs, corsOrigins, transport, connections, tls, authorize, observer }: ListenOptions,
): Promise<ModelServer> {
  const codec = createJsonCodec();
  const data: Endpoint = {
    http: createHttpServer(context, {
      routes: [...inferRoutes(context, codec), ...modelRoutes(context)],
      receiveMs,
      corsOrigins,
      authorize,
      observer,
      onUpgrade: createWebSockets(context, { origins: corsOrigins, authorize, observer, codec }),
    }),
    grpc: createGrpcServer(context, { isAdmin: false, transport, authorize, observer }),
  };
  const admin: Endpoint = {
    http: createHttpServer(context, {
      routes: repositoryRoutes(context),
      receiveMs,
      corsOrigins: [],
      authorize: undefined,
      observer: undefined,
      onUpgrade: undefined,
    }),
    grpc: createGrpcServer(context, { isAdmin: true, transport, authorize: undefined, observer: undefined }),
  };
  const { takeShared, takeGrpc } =
    tls === undefined
      ? { takeShared: tellByPreface(data.http.take, data.grpc.take), takeGrpc: data.grpc.take }
      : createTlsPorts(tls, data.http.take, data.grpc.take);
  const admit = createConnectionLimits(connections);
  const sharedPort = createPort(takeShared, admit);
  const grpcPort = createPort(takeGrpc, admit);
  const adminServer = createPort(tellByPreface(admin.http.take, admin.grpc.take), () => true);
  const metrics = createMetricsServer(context, receiveMs);
  const [httpPort, metricsPort, grpcPortNumber] = await Promise.all([
    listen(sharedPort, ports.http, host),
    listen(metrics, ports.metrics, host),
    listen(grpcPort, ports.grpc, host),
  ]);
  // Whoever reaches it may change what is served, so only its own pod may, whatever the others listen on.
  const adminPort = ports.admin === undefined ? undefined : await listen(adminServer, ports.admin, ADMIN_HOST);
  return {
    ports: { http: httpPort, grpc: grpcPortNumber, metrics: metricsPort, admin: adminPort },
    stop: async () => {
      for (const port of [sharedPort, grpcPort, adminServer]) port.close();
      await Promise.all([finish(data), finish(admin)]);
      metrics.close();
    },
  };
}

/** What speaks both protocols. */
interface Endpoint {
  readonly http: HttpServer;
  readonly grpc: Http2Listener;
}

async function finish({ http, grpc }: Endpoint): Promise<void> {
  await Promise.all([http.done(), Promise.race([grpc.drain(), sleep(GRPC_GRACE_MS)])]);
  grpc.close();
}

function createPort(take: (socket: Socket) => void, admit: Admit): NetServer {
  return createServer({ noDelay: true }, (socket) => {
    if (admit(socket)) take(socket);
    else socket.destroy();
  });
}

function listen(server: NetServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
