/** The listeners of a model server, and how they end. */
import { createServer as createMetricsServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server as NetServer } from 'node:net';
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
import { createSharedPort } from '../transport/shared-port.ts';
import type { ServerContext } from './context.ts';

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
  readonly corsOrigins: readonly string[];
  readonly transport: Transport;
}

/** Rejects when a port is taken. */
export async function startModelServer(
  context: ServerContext,
  { host, ports, corsOrigins, transport }: ListenOptions,
): Promise<ModelServer> {
  const data = createEndpoint(
    createHttpServer(context, {
      routes: [...inferRoutes(context), ...modelRoutes(context)],
      corsOrigins,
      onUpgrade: createWebSockets(context, corsOrigins),
    }),
    createGrpcServer(context, { isAdmin: false, transport }),
  );
  const admin = createEndpoint(
    createHttpServer(context, {
      routes: repositoryRoutes(context),
      corsOrigins: [],
      onUpgrade: (_, socket) => socket.destroy(),
    }),
    createGrpcServer(context, { isAdmin: true, transport }),
  );
  const metrics = createMetricsServer((_, response) => {
    void context.metrics.registry.metrics().then((text) => {
      response.writeHead(200, { 'content-type': context.metrics.registry.contentType }).end(text);
    });
  });
  const grpcPort = createServer({ noDelay: true }, data.grpc.take);
  const [httpPort, metricsPort, grpcPortNumber] = await Promise.all([
    listen(data.port, ports.http, host),
    listen(metrics, ports.metrics, host),
    listen(grpcPort, ports.grpc, host),
  ]);
  // Whoever reaches it may change what is served, so only its own pod may, whatever the others listen on.
  const adminPort = ports.admin === undefined ? undefined : await listen(admin.port, ports.admin, ADMIN_HOST);
  return {
    ports: { http: httpPort, grpc: grpcPortNumber, metrics: metricsPort, admin: adminPort },
    stop: async () => {
      grpcPort.close();
      await Promise.all([data.stop(), admin.stop()]);
      metrics.close();
    },
  };
}

/** A port for both protocols. */
interface Endpoint {
  readonly port: NetServer;
  readonly grpc: Http2Listener;
  stop(): Promise<void>;
}

function createEndpoint(http: HttpServer, grpc: Http2Listener): Endpoint {
  const port = createSharedPort(http.take, grpc.take);
  return {
    port,
    grpc,
    stop: async () => {
      port.close();
      await Promise.all([http.done(), Promise.race([grpc.drain(), sleep(GRPC_GRACE_MS)])]);
      grpc.close();
    },
  };
}

function listen(server: NetServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}
