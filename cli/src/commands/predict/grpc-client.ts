/** The Open Inference Protocol over gRPC. */
import { join } from 'node:path';
import { credentials, loadPackageDefinition, status } from '@grpc/grpc-js';
import type { Client, ServiceClientConstructor, ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { CliError } from '../../errors.ts';
import type { ModelClient } from './model-client.ts';
import { readRawTensor } from './raw-tensor.ts';
import type { ModelMetadata, Tensor, Value } from './tensors.ts';

const PROTO = join(import.meta.dirname, 'proto', 'inference.proto');
const DEADLINE_MS = 60_000;

type Contents = Readonly<Record<string, readonly (Value | Uint8Array)[]>>;
interface GrpcTensor extends Omit<Tensor, 'data'> {
  readonly contents: Contents | null;
}
interface GrpcAnswer {
  readonly model_name: string;
  readonly model_version: string;
  readonly outputs: readonly GrpcTensor[];
  readonly raw_output_contents: readonly Buffer[];
}

/** `address` is `host:port`, or `https://host:port` for TLS. */
export function createGrpcClient(address: string, model: string): ModelClient {
  const definition = loadPackageDefinition(loadSync(PROTO, { keepCase: true, longs: Number, arrays: true }));
  const { GRPCInferenceService } = definition['inference'] as unknown as {
    GRPCInferenceService: ServiceClientConstructor;
  };
  const isTls = address.startsWith('https://');
  const target = address.replace(/^[a-z]+:\/\//, '').replace(/\/+$/, '');
  const client = new GRPCInferenceService(target, isTls ? credentials.createSsl() : credentials.createInsecure());
  return {
    metadata: () => call<ModelMetadata>(client, 'ModelMetadata', { name: model }),
    async infer(inputs) {
      const answer = await call<GrpcAnswer>(client, 'ModelInfer', { model_name: model, inputs: inputs.map(toGrpc) });
      return {
        model: answer.model_name,
        version: answer.model_version,
        outputs: answer.outputs.map((output, index) => fromGrpc(output, answer.raw_output_contents[index])),
      };
    },
    close: () => client.close(),
  };
}

function call<T>(client: Client, method: string, request: object): Promise<T> {
  const calls = client as unknown as Record<
    string,
    (request: object, options: object, done: (cause: ServiceError | null, answer: T) => void) => void
  >;
  return new Promise((resolve, reject) => {
    calls[method]?.(request, { deadline: Date.now() + DEADLINE_MS }, (cause, answer) => {
      if (cause === null) resolve(answer);
      else reject(explain(cause, client.getChannel().getTarget()));
    });
  });
}

function explain(cause: ServiceError, target: string): CliError {
  const where = target.replace(/^dns:/, '');
  const words = cause.details === '' ? cause.message : cause.details;
  if (cause.code === status.UNAVAILABLE) {
    return new CliError(
      `Nothing answers in gRPC at ${where}: ${words}`,
      'Is the port-forward running, and is it the port for gRPC (9000)?',
      { cause },
    );
  }
  if (cause.code === status.NOT_FOUND) {
    return new CliError(
      `${where} has no such model: ${words}`,
      'The model has the name of its InferenceService: slipway predict NAME',
      { cause },
    );
  }
  return new CliError(
    `${where} refuses (${status[cause.code] ?? cause.code}): ${words}`,
    'Correct the request, or look at the log of the service.',
    { cause },
  );
}

/** Field of InferTensorContents for a datatype; FP16 has none, it is sent as bytes only. */
const FIELDS: Readonly<Record<string, string>> = {
  BOOL: 'bool_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

function toGrpc({ name, datatype, shape, data }: Tensor): GrpcTensor {
  const field = FIELDS[datatype];
  if (field === undefined) {
    throw new CliError(
      `An input of ${datatype} cannot be sent over gRPC by this command.`,
      'Ask over REST: leave out --grpc.',
    );
  }
  const values = datatype === 'BYTES' ? data.map((value) => Buffer.from(String(value))) : data;
  return { name, datatype, shape, contents: { [field]: values } };
}

function fromGrpc({ name, datatype, shape, contents }: GrpcTensor, raw: Buffer | undefined): Tensor {
  if (raw !== undefined) return { name, datatype, shape, data: readRawTensor(raw, datatype) };
  const values = contents?.[FIELDS[datatype] ?? ''] ?? [];
  return {
    name,
    datatype,
    shape,
    data: values.map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value)),
  };
}
