/** Open Inference Protocol v2 with Triton's extensions, and grpc.health.v1, over gRPC. */
import { join } from 'node:path';
import { loadPackageDefinition, Server } from '@grpc/grpc-js';
import type { GrpcObject, ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ServerContext } from '../../server/context.ts';
import { healthMethods } from './health-methods.ts';
import { inferMethods } from './infer-methods.ts';
import { modelMethods } from './model-methods.ts';
import { repositoryMethods } from './repository-methods.ts';

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const MAX_STREAMS = 128;

export interface GrpcOptions {
  /** Whether models may be loaded and unloaded. */
  readonly isAdmin: boolean;
}

export function createGrpcServer(context: ServerContext, { isAdmin }: GrpcOptions): Server {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS,
  });
  server.addService(service('inference.proto', ['inference', 'GRPCInferenceService']), {
    ...modelMethods(context),
    ...(isAdmin ? repositoryMethods(context) : inferMethods(context)),
  });
  server.addService(service('health.proto', ['grpc', 'health', 'v1', 'Health']), healthMethods(context));
  return server;
}

function service(file: string, path: readonly string[]): ServiceClientConstructor['service'] {
  const options = { keepCase: true, longs: String, enums: String, defaults: true, arrays: true, oneofs: true };
  const definition = loadSync(join(import.meta.dirname, '..', '..', 'protocol', 'proto', file), options);
  const found = path.reduce<GrpcObject[string]>(
    (at, name) => (at as GrpcObject)[name] as GrpcObject,
    loadPackageDefinition(definition),
  );
  return (found as ServiceClientConstructor).service;
}
