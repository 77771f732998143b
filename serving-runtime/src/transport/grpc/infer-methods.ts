/** Inferences over gRPC, one at a time or as a stream. */
import { toRequestError } from '../../protocol/errors.ts';
import { buildWireResponse, parseWireRequest, usesRawContents, wireTimeout } from '../../protocol/grpc-messages.ts';
import type { WireRequest, WireResponse } from '../../protocol/grpc-messages.ts';
import { decodeInferRequest, encodeInferResponse, encodeStreamResponse } from '../../protocol/infer-codec.ts';
import type { ServerContext } from '../../server/context.ts';
import { infer } from '../../server/infer.ts';
import { given } from './given.ts';
import type { Methods } from './proto-service.ts';
import type { Call, Codec, StreamingCall } from './rpc.ts';

export const INFER_CODECS: Readonly<Record<string, Codec>> = {
  ModelInfer: { decode: decodeInferRequest, encode: (message) => encodeInferResponse(message as WireResponse) },
  ModelStreamInfer: { decode: decodeInferRequest, encode: (message) => encodeStreamMessage(message as StreamMessage) },
};

export function inferMethods(context: ServerContext): Methods {
  return {
    unary: { ModelInfer: (request: WireRequest, call: Call) => inferOne(context, request, call) },
    streaming: {
      ModelStreamInfer: (requests: AsyncIterable<WireRequest>, call: StreamingCall) => stream(context, requests, call),
    },
  };
}

async function inferOne(context: ServerContext, request: WireRequest, call: Call): Promise<WireResponse> {
  const target = { name: request.model_name, version: given(request.model_version) };
  const timeoutMs = Math.min(call.timeoutMs ?? Infinity, wireTimeout(request) ?? Infinity);
  const response = await infer(context, target, parseWireRequest(request), {
    signal: call.signal,
    timeoutMs: timeoutMs === Infinity ? undefined : timeoutMs,
  });
  return buildWireResponse(response, usesRawContents(request));
}

/** Of Triton's streams, or of MLServer's. */
type StreamMessage = Parameters<typeof encodeStreamResponse>[0] | WireResponse;

function encodeStreamMessage(message: StreamMessage): Buffer {
  return 'outputs' in message ? encodeInferResponse(message) : encodeStreamResponse(message);
}

/**
 * Triton and MLServer give this method answers of different types, and a request does not show whose client sent it. Triton's is
 * what everybody gets who does not ask for the other by this metadata.
 */
const DIALECT = 'stream-dialect';

/** Requests of one stream that run at a time; beyond it the client is not read until all of them have their answers. */
const MAX_RUNNING = 64;

/**
 * Answers come in the order of the requests. A failure is an answer too, unless the client wants it to end the stream (Triton's
 * `triton_grpc_error`), or its answers have no room for one (MLServer's).
 */
async function stream(
  context: ServerContext,
  requests: AsyncIterable<WireRequest>,
  call: StreamingCall,
): Promise<void> {
  const isPlain = call.metadata(DIALECT) === 'mlserver';
  const endsOnFailure = isPlain || call.metadata('triton_grpc_error') === 'true';
  const messageOf = (answer: Promise<WireResponse>): Promise<StreamMessage> =>
    answer.then(
      (response) => (isPlain ? response : { infer_response: response }),
      (cause: unknown) => {
        if (endsOnFailure) throw cause;
        context.unexpected(cause);
        return { error_message: toRequestError(cause).message };
      },
    );
  const failure = Promise.withResolvers<never>();
  const answerAll = async () => {
    let written: Promise<void> = Promise.resolve();
    let running = 0;
    for await (const request of requests) {
      const message = messageOf(inferOne(context, request, call));
      // It is looked at in its turn, which may be after it has failed.
      message.catch(() => {});
      running += 1;
      written = written.then(async () => call.send(await message)).finally(() => (running -= 1));
      written.catch(failure.reject);
      if (running >= MAX_RUNNING) await written;
    }
    await written;
  };
  await Promise.race([answerAll(), failure.promise]);
}
