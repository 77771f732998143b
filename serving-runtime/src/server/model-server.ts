/** The listeners of a model server, and how they end. */
import { createServer as createMetricsServer } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ServerCredentials } from '@grpc/grpc-js';
import { createGrpcServer } from '../transport/grpc-server.ts';
import { createHttpServer } from '../transport/http/http-server.ts';
import { inferRoutes } from '../transport/http/infer-routes.ts';
import { modelRoutes } from '../transport/http/model-routes.ts';
import { repositoryRoutes } from '../transport/http/repository-routes.ts';
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
}

/** Rejects when a port is taken. */
export async function startModelServer(
  context: ServerContext,
  { host, ports, corsOrigins }: ListenOptions,
): Promise<ModelServer> {
  const http = createHttpServer(context, [...inferRoutes(context), ...modelRoutes(context)], corsOrigins);
  const admin = createHttpServer(context, repositoryRoutes(context));
  const grpc = createGrpcServer(context);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const shared = createSharedPort(
    (socket) => http.emit('connection', socket),
    (socket) => injector.injectConnection(socket),
  );
  const metrics = createMetricsServer((_, response) => {
    void context.metrics.registry.metrics().then((text) => {
      response.writeHead(200, { 'content-type': context.metrics.registry.contentType }).end(text);
    });
  });
  const [httpPort, metricsPort] = await Promise.all([
    listen(shared, ports.http, host),
    listen(metrics, ports.metrics, host),
  ]);
  // Whoever reaches it may change what is served, so only its own pod may, whatever the others listen on.
  const adminPort = ports.admin === undefined ? undefined : await listen(admin, ports.admin, ADMIN_HOST);
  const grpcPort = await bindGrpc(grpc, `${host}:${ports.grpc}`);
  return {
    ports: { http: httpPort, grpc: grpcPort, metrics: metricsPort, admin: adminPort },
    stop: async () => {
      shared.close();
      injector.drain(GRPC_GRACE_MS);
      const grpcDone = new Promise<void>((resolve) => grpc.tryShutdown(() => resolve()));
      await Promise.all([requestsDone(http), Promise.race([grpcDone, sleep(GRPC_GRACE_MS)])]);
      grpc.forceShutdown();
      metrics.close();
      admin.close();
    },
  };
}

/** The HTTP server never listens itself, so its connections are what tells when it is done. */
async function requestsDone(http: ReturnType<typeof createHttpServer>): Promise<void> {
  const connections = () => new Promise<number>((resolve) => http.getConnections((_, count) => resolve(count)));
  while ((await connections()) > 0) {
    http.closeIdleConnections();
    await sleep(50);
  }
}

function listen(server: NetServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
  });
}

function bindGrpc(server: ReturnType<typeof createGrpcServer>, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (cause, port) =>
      cause === null ? resolve(port) : reject(cause),
    );
  });
}
