import { join } from 'node:path';
import { credentials, loadPackageDefinition, Metadata } from '@grpc/grpc-js';
import type {
  ChannelCredentials,
  ClientDuplexStream,
  GrpcObject,
  ServiceClientConstructor,
  ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

export interface GrpcStream {
  send(request: object): void;
  /** The next answer; undefined at the end. Rejects with grpc-js' ServiceError. */
  next(): Promise<Record<string, unknown> | undefined>;
  end(): void;
}

export interface GrpcClient {
  /** Rejects with grpc-js' ServiceError, which has `code` and `details`. */
  call(
    method: string,
    request: object,
    options?: { readonly timeoutMs?: number; readonly metadata?: Metadata },
  ): Promise<{ answer: Record<string, unknown>; metadata: Metadata }>;
  /** With the bytes of a message, and those of its answer. */
  callRaw(method: string, message: Buffer): Promise<Buffer>;
  /** Of a method that answers one request many times. */
  watch(method: string, request: object): Pick<GrpcStream, 'next'>;
  stream(method: string, headers?: Readonly<Record<string, string>>): GrpcStream;
  close(): void;
}

/** A client of one of our two services on a local port. */
export function grpcClient(
  port: number,
  service: 'inference' | 'health' = 'inference',
  channel: ChannelCredentials = credentials.createInsecure(),
): GrpcClient {
  const file = join(import.meta.dirname, '..', 'protocol', 'proto', `${service}.proto`);
  const path = service === 'inference' ? ['inference', 'GRPCInferenceService'] : ['grpc', 'health', 'v1', 'Health'];
  const definition = loadPackageDefinition(
    loadSync(file, { keepCase: true, longs: String, defaults: true, arrays: true, enums: String }),
  );
  const Client = path.reduce<unknown>((at, name) => (at as GrpcObject)[name], definition) as ServiceClientConstructor;
  const client = new Client(`127.0.0.1:${port}`, channel, {
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  const asItIs = (bytes: Buffer) => bytes;
  return {
    call: (method, request, { timeoutMs, metadata: sent = new Metadata() } = {}) =>
      new Promise((resolve, reject) => {
        let metadata: Metadata | undefined;
        const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
        const done = (cause: ServiceError | null, answer: Record<string, unknown>) =>
          cause === null && metadata !== undefined
            ? resolve({ answer, metadata })
            : reject(cause ?? new Error('no metadata'));
        client[method]?.(request, sent, options, done).on('metadata', (received: Metadata) => {
          metadata = received;
        });
      }),
    callRaw: (method, message) =>
      new Promise((resolve, reject) => {
        const rpc = `/${path.join('.')}/${method}`;
        client.makeUnaryRequest(rpc, asItIs, asItIs, message, (cause, answer) => {
          if (cause === null && answer !== undefined) resolve(answer);
          else reject(cause ?? new Error('no answer'));
        });
      }),
    watch: (method, request) => {
      const answers = answersOf(client[method]?.(request));
      return { next: answers };
    },
    stream: (method, headers = {}) => {
      const metadata = new Metadata();
      for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
      const stream = client[method]?.(metadata) as ClientDuplexStream<object, Record<string, unknown>>;
      return {
        send: (request) => void stream.write(request),
        next: answersOf(stream),
        end: () => void stream.end(),
      };
    },
    close: () => client.close(),
  };
}

function answersOf(stream: unknown): GrpcStream['next'] {
  const answers = (stream as AsyncIterable<Record<string, unknown>>)[Symbol.asyncIterator]();
  return async () => (await answers.next()).value as Record<string, unknown> | undefined;
}
