/** What unary and streaming calls share: how they answer, fail, run out of time, and are given up. */
import type { Cancellation } from '../../engine/cancellation.ts';
import { RequestError } from '../../protocol/errors.ts';
import type { Exchange, ExchangeEvents } from '../http2/exchange.ts';
import type { HeaderField } from '../http2/header-field.ts';
import { encodeGrpcMessage } from './grpc-message.ts';
import { MessageReader } from './message-reader.ts';
import type { MessageMemory } from './message-memory.ts';
import type { Call } from './rpc.ts';

export interface CallSettings {
  readonly maxMessageBytes: number;
  readonly memory: MessageMemory;
  /** Fields of every answer. */
  readonly answerFields: (request: Exchange['request']) => readonly HeaderField[];
  /** What the client is told of a failure. */
  readonly failureOf: (cause: unknown) => { readonly code: number; readonly message: string };
  /** Milliseconds, as coarse as the clock that looks for late requests. */
  readonly clock: { readonly now: number };
  readonly calls: Set<ServerCall>;
}

export interface CallOptions {
  readonly timeoutMs: number | undefined;
  readonly encoding: string | undefined;
}

export const HEAD: readonly HeaderField[] = [
  { name: ':status', value: '200' },
  { name: 'content-type', value: 'application/grpc' },
];
const OK: readonly HeaderField[] = [{ name: 'grpc-status', value: '0' }];
/** Timers take no more; a client that waits longer waits for ever. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export function statusFields({ code, message }: { readonly code: number; readonly message: string }): HeaderField[] {
  return [
    { name: 'grpc-status', value: String(code) },
    { name: 'grpc-message', value: encodeGrpcMessage(message) },
  ];
}

export abstract class ServerCall implements ExchangeEvents, Call {
  readonly timeoutMs: number | undefined;
  /** Since when the client owes the rest of a message; 0: it does not. */
  incompleteSince = 0;
  protected readonly exchange: Exchange;
  protected readonly settings: CallSettings;
  protected readonly encoding: string | undefined;
  protected readonly reader: MessageReader;
  protected isOver = false;
  #deadline: NodeJS.Timeout | undefined;
  #isHeadSent = false;

  constructor(exchange: Exchange, settings: CallSettings, { timeoutMs, encoding }: CallOptions) {
    this.exchange = exchange;
    this.settings = settings;
    this.timeoutMs = timeoutMs;
    this.encoding = encoding;
    this.reader = new MessageReader(settings);
    settings.calls.add(this);
    if (timeoutMs !== undefined) {
      this.#deadline = setTimeout(() => this.#expire(timeoutMs), Math.min(timeoutMs, MAX_TIMER_MS));
    }
  }

  abstract data(chunk: Buffer): void;
  abstract end(): void;
  abstract drained(): void;

  abstract readonly signal: Cancellation;
  /** Aborts the signal. */
  protected abstract cancel(): void;

  metadata(wanted: string): string | undefined {
    return this.exchange.request.fields.find(({ name }) => name === wanted)?.value;
  }

  aborted(): void {
    this.stop();
    this.cancel();
  }

  fail(cause: unknown): void {
    if (this.isOver) return;
    const fields = statusFields(this.settings.failureOf(cause));
    this.stop();
    if (this.#isHeadSent) this.exchange.end(fields);
    else this.exchange.respond([...HEAD, ...this.settings.answerFields(this.exchange.request), ...fields], true);
    this.cancel();
  }

  protected sendHead(): void {
    if (this.#isHeadSent) return;
    this.#isHeadSent = true;
    this.exchange.respond([...HEAD, ...this.settings.answerFields(this.exchange.request)]);
  }

  protected complete(): void {
    if (this.isOver) return;
    this.stop();
    this.exchange.end(OK);
  }

  /** Nothing more is said, and nothing more is held. */
  protected stop(): void {
    this.isOver = true;
    this.incompleteSince = 0;
    this.settings.calls.delete(this);
    clearTimeout(this.#deadline);
    this.reader.release();
  }

  #expire(timeoutMs: number): void {
    this.fail(new RequestError('DeadlineExceeded', `there was no answer within ${timeoutMs} ms`));
  }
}

export function decodeWith(decode: (bytes: Buffer) => unknown, bytes: Buffer): unknown {
  try {
    return decode(bytes);
  } catch (cause) {
    if (cause instanceof RequestError) throw cause;
    throw new RequestError('InvalidArgument', 'the message is not valid protobuf for this method');
  }
}

export function truncated(): RequestError {
  return new RequestError('Internal', 'the request ends within a message');
}
