/** The methods of a service out of its .proto file: what they are called, what goes in and what comes out. */
import { join } from 'node:path';
import { loadSync } from '@grpc/proto-loader';
import type { MethodDefinition, PackageDefinition, ServiceDefinition } from '@grpc/proto-loader';
import { createCheck } from '../../protocol/protobuf/strict-message.ts';
import type { FieldDescriptor } from '../../protocol/protobuf/strict-message.ts';
import type { Codec, Rpc, Rpcs, StreamingMethod, UnaryMethod } from './rpc.ts';

export interface Methods {
  readonly unary?: Readonly<Record<string, UnaryMethod>>;
  readonly streaming?: Readonly<Record<string, StreamingMethod>>;
}

const OPTIONS = { keepCase: true, longs: String, enums: String, defaults: true, arrays: true, oneofs: true };
const PREFIX_BYTES = 5;

export function loadProto(file: string): PackageDefinition {
  return loadSync(join(import.meta.dirname, '..', '..', 'protocol', 'proto', file), OPTIONS);
}

/** Methods without an implementation are not served. `codecs`: for methods whose messages are not left to protobufjs. */
export function serviceOf(
  file: string,
  name: string,
  { unary = {}, streaming = {} }: Methods,
  codecs: Readonly<Record<string, Codec>> = {},
): Rpcs {
  const service = loadProto(file)[name] as ServiceDefinition;
  const rpcs = new Map<string, Rpc>();
  for (const [methodName, definition] of Object.entries(service)) {
    const codec = codecs[methodName] ?? codecOf(definition);
    const unaryMethod = unary[methodName];
    const streamingMethod = streaming[methodName];
    if (unaryMethod !== undefined) rpcs.set(definition.path, { kind: 'unary', method: unaryMethod, ...codec });
    if (streamingMethod !== undefined)
      rpcs.set(definition.path, { kind: 'streaming', method: streamingMethod, ...codec });
  }
  return rpcs;
}

/** Bytes of a request that holds no tensors: names, and little else. */
const SMALL_MESSAGE_BYTES = 1024 * 1024;

function codecOf({ requestDeserialize, responseSerialize, requestType }: MethodDefinition<object, object>): Codec {
  const { field: fields } = requestType.type as {
    readonly field: readonly FieldDescriptor[];
  };
  const check = createCheck(fields);
  return {
    maxMessageBytes: SMALL_MESSAGE_BYTES,
    decode: (bytes) => {
      check(bytes);
      return requestDeserialize(bytes);
    },
    encode: (message) => {
      const body = responseSerialize(message);
      const framed = Buffer.allocUnsafe(PREFIX_BYTES + body.length);
      framed[0] = 0;
      framed.writeUInt32BE(body.length, 1);
      framed.set(body, PREFIX_BYTES);
      return framed;
    },
  };
}
