import { join } from 'node:path';
import { credentials, loadPackageDefinition } from '@grpc/grpc-js';
import type { GrpcObject, Metadata, ServiceClientConstructor, ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface GrpcClient {
  /** Rejects with grpc-js' ServiceError, which has `code` and `details`. */
  call(method: string, request: object): Promise<{ answer: Record<string, unknown>; metadata: Metadata }>;
  close(): void;
}

/** A client of one of our two services on a local port. */
export function grpcClient(port: number, service: 'inference' | 'health' = 'inference'): GrpcClient {
  const file = join(import.meta.dirname, '..', 'protocol', 'proto', `${service}.proto`);
  const path = service === 'inference' ? ['inference', 'GRPCInferenceService'] : ['grpc', 'health', 'v1', 'Health'];
  const definition = loadPackageDefinition(
    loadSync(file, { keepCase: true, longs: String, defaults: true, arrays: true, enums: String }),
  );
  const Client = path.reduce<unknown>((at, name) => (at as GrpcObject)[name], definition) as ServiceClientConstructor;
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return {
    call: (method, request) =>
      new Promise((resolve, reject) => {
        let metadata: Metadata | undefined;
        const done = (cause: ServiceError | null, answer: Record<string, unknown>) =>
          cause === null && metadata !== undefined
            ? resolve({ answer, metadata })
            : reject(cause ?? new Error('no metadata'));
        client[method]?.(request, done).on('metadata', (received: Metadata) => {
          metadata = received;
        });
      }),
    close: () => client.close(),
  };
}
