/** Open Inference Protocol v2 and grpc.health.v1 over gRPC. */
import { join } from 'node:path';
import { loadPackageDefinition, Metadata, Server } from '@grpc/grpc-js';
import type { GrpcObject, handleUnaryCall, ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ERROR_CODES, toRequestError } from '../protocol/errors.ts';
import { buildWireResponse, parseWireRequest, usesRawContents } from '../protocol/grpc-messages.ts';
import type { WireRequest } from '../protocol/grpc-messages.ts';
import { extensions, PLATFORM } from '../protocol/inference.ts';
import type { ServerContext } from '../server/context.ts';
import { infer } from '../server/infer.ts';

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
const MAX_STREAMS = 128;

interface ModelReference {
  readonly name: string;
  readonly version: string;
}

export function createGrpcServer(context: ServerContext): Server {
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': MAX_STREAMS,
  });
  server.addService(service('inference.proto', ['inference', 'GRPCInferenceService']), inferenceMethods(context));
  server.addService(service('health.proto', ['grpc', 'health', 'v1', 'Health']), {
    Check: method(context, ({ service: name }: { service: string }) => ({ status: healthOf(context, name) })),
  });
  return server;
}

function service(file: string, path: readonly string[]): ServiceClientConstructor['service'] {
  const options = { keepCase: true, longs: String, defaults: true, arrays: true, oneofs: true };
  const definition = loadSync(join(import.meta.dirname, '..', 'protocol', 'proto', file), options);
  const found = path.reduce<GrpcObject[string]>(
    (at, name) => (at as GrpcObject)[name] as GrpcObject,
    loadPackageDefinition(definition),
  );
  return (found as ServiceClientConstructor).service;
}

function inferenceMethods(context: ServerContext) {
  const { engine, obstacle, identity } = context;
  return {
    ServerLive: method(context, () => ({ live: true })),
    ServerReady: method(context, () => ({ ready: obstacle() === undefined })),
    ModelReady: method(context, ({ name, version }: ModelReference) => ({
      ready: engine.model(name, given(version)).isReady(),
    })),
    ServerMetadata: method(context, () => ({ ...identity, extensions: extensions(false) })),
    ModelMetadata: method(context, ({ name, version }: ModelReference) => ({
      ...engine.metadata(name, given(version)),
      platform: PLATFORM,
    })),
    ModelInfer: method(context, async (request: WireRequest) => {
      const target = { name: request.model_name, version: given(request.model_version) };
      return buildWireResponse(await infer(context, target, parseWireRequest(request)), usesRawContents(request));
    }),
  };
}

/** proto3 has no absent strings. */
function given(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function healthOf({ obstacle }: ServerContext, name: string): string {
  if (name !== '' && name !== 'inference.GRPCInferenceService') return 'SERVICE_UNKNOWN';
  return obstacle() === undefined ? 'SERVING' : 'NOT_SERVING';
}

function method<Request>(
  context: ServerContext,
  work: (request: Request) => object | Promise<object>,
): handleUnaryCall<Request, object> {
  return (call, callback) => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(context.answerHeaders(call.metadata.get('x-request-id')[0])))
      metadata.set(name, value);
    call.sendMetadata(metadata);
    void (async () => work(call.request))().then(
      (response) => callback(null, response),
      (cause: unknown) => {
        context.unexpected(cause);
        const { code, message } = toRequestError(cause);
        callback({ code: ERROR_CODES[code].grpc, details: message });
      },
    );
  };
}
