/** What every method shares: metadata of the answer, deadlines, cancellation, and errors by the one table. */
import { Metadata } from '@grpc/grpc-js';
import type { handleUnaryCall, ServerUnaryCall, StatusObject } from '@grpc/grpc-js';
import { ERROR_CODES, toRequestError } from '../../protocol/errors.ts';
import type { ServerContext } from '../../server/context.ts';
import type { Patience } from '../../server/infer.ts';

type AnyCall = Pick<ServerUnaryCall<unknown, unknown>, 'getDeadline'> & {
  once(event: 'cancelled', listener: () => void): unknown;
};

export function unary<Request>(
  context: ServerContext,
  work: (request: Request, patience: Patience) => object | Promise<object>,
): handleUnaryCall<Request, object> {
  return (call, callback) => {
    call.sendMetadata(answerMetadata(context, call.metadata));
    void (async () => work(call.request, patienceOf(call)))().then(
      (response) => callback(null, response),
      (cause: unknown) => callback(statusOf(context, cause)),
    );
  };
}

export function answerMetadata(context: ServerContext, received: Metadata): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(context.answerHeaders(received.get('x-request-id')[0]))) {
    metadata.set(name, value);
  }
  return metadata;
}

/** How long the client waits, by its deadline, and when it has gone. */
export function patienceOf(call: AnyCall): Patience {
  const gone = new AbortController();
  call.once('cancelled', () => gone.abort());
  const deadline = Number(call.getDeadline());
  return { signal: gone.signal, timeoutMs: Number.isFinite(deadline) ? Math.max(0, deadline - Date.now()) : undefined };
}

export function statusOf(context: ServerContext, cause: unknown): Pick<StatusObject, 'code' | 'details'> {
  context.unexpected(cause);
  const { code, message } = toRequestError(cause);
  return { code: ERROR_CODES[code].grpc, details: message };
}

/** proto3 has no absent strings. */
export function given(text: string): string | undefined {
  return text === '' ? undefined : text;
}
