/**
 * Says what is served, so that grpcurl and its like need no .proto files:
 * https://github.com/grpc/grpc/blob/master/doc/server-reflection.md
 */
import { ERROR_CODES } from '../../protocol/errors.ts';
import type { DescribedFile } from './described-file.ts';
import type { Methods } from './proto-service.ts';
import type { StreamingCall } from './rpc.ts';

interface ReflectionRequest {
  readonly message_request?: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
}

export function reflectionMethods(services: readonly string[], files: readonly DescribedFile[]): Methods {
  const answer = (request: ReflectionRequest): object => {
    if (request.message_request === 'list_services') {
      return { list_services_response: { service: services.map((name) => ({ name })) } };
    }
    const file = files.find(
      ({ name, symbols }) =>
        name === request.file_by_filename || defines(symbols, request.file_containing_symbol ?? ''),
    );
    if (file !== undefined) return { file_descriptor_response: { file_descriptor_proto: [file.bytes] } };
    const isKnownQuestion =
      request.message_request?.startsWith('file_by') || request.message_request === 'file_containing_symbol';
    const { grpc: code } = isKnownQuestion ? ERROR_CODES.NotFound : ERROR_CODES.Unimplemented;
    return { error_response: { error_code: code, error_message: 'there is nothing of that name' } };
  };
  return {
    streaming: {
      ServerReflectionInfo: async (requests: AsyncIterable<ReflectionRequest>, call: StreamingCall) => {
        for await (const request of requests) {
          await call.send({ valid_host: '', original_request: request, ...answer(request) });
        }
      },
    },
  };
}

/** A type within a type is in the file of the outer one. */
function defines(symbols: ReadonlySet<string>, symbol: string): boolean {
  if (symbols.has(symbol)) return true;
  const end = symbol.lastIndexOf('.');
  return end > 0 && defines(symbols, symbol.slice(0, end));
}
