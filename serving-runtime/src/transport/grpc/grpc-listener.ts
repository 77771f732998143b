/** gRPC over HTTP/2, whichever: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md */
import { ERROR_CODES, RequestError } from '../../protocol/errors.ts';
import type { Exchange, ExchangeEvents, RequestListener } from '../http2/exchange.ts';
import type { HeaderField } from '../http2/header-field.ts';
import { readCallHead } from './call-head.ts';
import type { NoCall } from './call-head.ts';
import { ACCEPTED_ENCODINGS, isKnownEncoding } from './compression.ts';
import { eventsOnceKnown } from './early-events.ts';
import { MessageMemory } from './message-memory.ts';
import type { Rpc, Rpcs } from './rpc.ts';
import { HEAD, statusFields } from './server-call.ts';
import type { CallSettings, ServerCall } from './server-call.ts';
import { StreamingCall } from './streaming-call.ts';
import { UnaryCall } from './unary-call.ts';

export interface GrpcListenerOptions extends Pick<CallSettings, 'answerFields' | 'failureOf'> {
  /** Bytes of one message, before and after decompression (64 MiB). */
  readonly maxMessageBytes?: number;
  /** Bytes of all messages that have not arrived in full (512 MiB). */
  readonly maxIncompleteBytes?: number;
  /** How long a client may take to send a message, in milliseconds (60 seconds). */
  readonly messageMs?: number;
  /** Rejects with a RequestError where the client may not call this method; undefined: all may. */
  readonly authorize?: ((exchange: Exchange) => Promise<void>) | undefined;
}

const MIB = 1024 * 1024;
/** How often it is looked for clients that are late with their messages. */
const TICKS_A_MESSAGE_TIME = 20;

export function createGrpcListener(rpcs: Rpcs, options: GrpcListenerOptions): RequestListener {
  const { maxMessageBytes = 64 * MIB, maxIncompleteBytes = 512 * MIB, messageMs = 60_000, authorize } = options;
  const clock = { now: performance.now() };
  const calls = new Set<ServerCall>();
  const settings: CallSettings = {
    maxMessageBytes,
    memory: new MessageMemory(maxIncompleteBytes),
    answerFields: options.answerFields,
    failureOf: options.failureOf,
    clock,
    calls,
  };
  setInterval(() => {
    clock.now = performance.now();
    for (const call of calls) {
      if (call.incompleteSince > 0 && clock.now - call.incompleteSince > messageMs) call.fail(tooSlow(messageMs));
    }
  }, messageMs / TICKS_A_MESSAGE_TIME).unref();

  return (exchange) => {
    const head = readCallHead(exchange.request);
    if (head.kind === 'none') return answerPlainly(exchange, head);
    const refuse = (code: number, message: string, more: readonly HeaderField[] = []) => {
      const fields = [...HEAD, ...options.answerFields(exchange.request), ...more, ...statusFields({ code, message })];
      exchange.respond(fields, true);
      return discard(exchange);
    };
    if (head.kind === 'wrong') return refuse(ERROR_CODES.Internal.grpc, head.message);
    const rpc = rpcs.get(exchange.request.path);
    if (rpc === undefined) return refuse(ERROR_CODES.Unimplemented.grpc, 'the server has no such method');
    if (!isKnownEncoding(head.encoding)) {
      const more = [{ name: 'grpc-accept-encoding', value: ACCEPTED_ENCODINGS }];
      return refuse(ERROR_CODES.Unimplemented.grpc, `messages may be compressed by ${ACCEPTED_ENCODINGS}`, more);
    }
    const begin = () => {
      const own = settingsOf(settings, rpc);
      if (rpc.kind === 'unary') return new UnaryCall(exchange, own, head, rpc);
      const call = new StreamingCall(exchange, own, head, rpc);
      call.start();
      return call;
    };
    if (authorize === undefined) return begin();
    const refuseFor = (cause: unknown) => {
      const { code, message } = options.failureOf(cause);
      return refuse(code, message);
    };
    return eventsOnceKnown(authorize(exchange).then(begin, refuseFor));
  };
}

function settingsOf(settings: CallSettings, { maxMessageBytes = Infinity }: Rpc): CallSettings {
  return maxMessageBytes < settings.maxMessageBytes ? { ...settings, maxMessageBytes } : settings;
}

function tooSlow(messageMs: number): RequestError {
  return new RequestError('DeadlineExceeded', `a message did not arrive within ${messageMs} ms`);
}

/** A browser or a probe gets words that it can show, when it has said all. */
function answerPlainly(exchange: Exchange, { status, text }: NoCall): ExchangeEvents {
  const body = Buffer.from(text);
  const end = () => {
    exchange.respond([
      { name: ':status', value: status },
      { name: 'content-type', value: 'text/plain; charset=utf-8' },
      { name: 'content-length', value: String(body.length) },
      ...(status === '405' ? [{ name: 'allow', value: 'POST' }] : []),
    ]);
    exchange.write(body);
    exchange.end();
  };
  return { ...discard(exchange), end };
}

/** For a request whose answer does not depend on its body. */
function discard(exchange: Exchange): ExchangeEvents {
  return {
    data: (chunk) => exchange.consumed(chunk.length),
    end: () => {},
    aborted: () => exchange.end(),
    drained: () => {},
  };
}
