/** Inferences over gRPC, one at a time or as a stream. */
import { status } from '@grpc/grpc-js';
import type { ServerDuplexStream, UntypedServiceImplementation } from '@grpc/grpc-js';
import { buildWireResponse, parseWireRequest, usesRawContents, wireTimeout } from '../../protocol/grpc-messages.ts';
import type { WireRequest } from '../../protocol/grpc-messages.ts';
import type { ServerContext } from '../../server/context.ts';
import { infer } from '../../server/infer.ts';
import type { Patience } from '../../server/infer.ts';
import { answerMetadata, given, patienceOf, statusOf, unary } from './call.ts';

export function inferMethods(context: ServerContext): UntypedServiceImplementation {
  return {
    ModelInfer: unary(context, (request: WireRequest, patience) => inferOne(context, request, patience)),
    ModelStreamInfer: (call: ServerDuplexStream<WireRequest, object>) => void stream(context, call),
  };
}

async function inferOne(context: ServerContext, request: WireRequest, patience: Patience): Promise<object> {
  const target = { name: request.model_name, version: given(request.model_version) };
  const timeoutMs = Math.min(patience.timeoutMs ?? Infinity, wireTimeout(request) ?? Infinity);
  const response = await infer(context, target, parseWireRequest(request), {
    signal: patience.signal,
    timeoutMs: timeoutMs === Infinity ? undefined : timeoutMs,
  });
  return buildWireResponse(response, usesRawContents(request));
}

/** Requests of one stream that run at a time; beyond it the client is not read until all of them have their answers. */
const MAX_RUNNING = 64;

/** Answers come in the order of the requests. A failure is an answer too, unless the client wants it to end the stream (Triton's `triton_grpc_error`). */
async function stream(context: ServerContext, call: ServerDuplexStream<WireRequest, object>): Promise<void> {
  const patience = patienceOf(call);
  const endsOnFailure = call.metadata.get('triton_grpc_error')[0] === 'true';
  let isOver = false;
  const end = (failure: object) => {
    isOver = true;
    call.emit('error', failure);
  };
  const write = async (answer: Promise<object>): Promise<void> => {
    const message = await answer.then(
      (response) => ({ infer_response: response }),
      (cause: unknown) => ({ failure: statusOf(context, cause) }),
    );
    if (isOver) return;
    if (!('failure' in message)) call.write(message);
    else if (endsOnFailure) end(message.failure);
    else call.write({ error_message: message.failure.details });
  };
  call.sendMetadata(answerMetadata(context, call.metadata));
  let written: Promise<void> = Promise.resolve();
  let running = 0;
  try {
    for await (const request of call as AsyncIterable<WireRequest>) {
      const answer = inferOne(context, request, patience);
      // It is looked at in its turn, which may be after it has failed.
      answer.catch(() => {});
      running += 1;
      written = written.then(() => write(answer)).finally(() => (running -= 1));
      if (running >= MAX_RUNNING) await written;
    }
    await written;
    if (!isOver) call.end();
  } catch {
    end({ code: status.CANCELLED, details: 'the stream broke off' });
  }
}
