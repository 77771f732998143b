/** One request and its answer over a connection that others share. */
import { ErrorCode } from '@slipway/serving-runtime/transport/http2/errors';
import type { HeaderBlock } from '@slipway/serving-runtime/transport/http2/header-blocks';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import { ReceiveWindow } from '@slipway/serving-runtime/transport/http2/receive-window';
import { areRegular } from '@slipway/serving-runtime/transport/http2/regular-fields';
import { Http2Stream } from '@slipway/serving-runtime/transport/http2/stream';
import type { SendingOwner } from '@slipway/serving-runtime/transport/http2/stream';
import type { UpstreamCall, UpstreamEvents, UpstreamFailure } from '../upstream.ts';
import { readAnswerHead } from './answer-head.ts';

/** What a stream needs of its connection. */
export interface ClientStreamOwner extends SendingOwner {
  /** A head came that is not the last (1xx). */
  countInformational(): void;
  closed(stream: ClientStream): void;
}

export interface ClientStreamOptions {
  readonly id: number;
  /** Bytes that may be sent, and that may arrive before they are taken. */
  readonly windows: { readonly send: number; readonly receive: number };
  /** The head of the request is all of it. */
  readonly isSent: boolean;
  /** The answer to HEAD has a length, and no body. */
  readonly isHead: boolean;
}

export class ClientStream extends Http2Stream implements UpstreamCall {
  readonly #owner: ClientStreamOwner;
  readonly #events: UpstreamEvents;
  readonly #receiveWindow: ReceiveWindow;
  readonly #isHead: boolean;
  #isAnswered = false;
  /** Bytes of the answer that are to come; undefined: it does not say. */
  #expected: number | undefined;
  #isPaused = false;
  /** Arrived while it is paused. */
  #held = 0;

  constructor(owner: ClientStreamOwner, events: UpstreamEvents, { id, windows, isSent, isHead }: ClientStreamOptions) {
    super(owner, id, windows.send);
    this.#owner = owner;
    this.#events = events;
    this.#receiveWindow = new ReceiveWindow(windows.receive);
    this.isSent = isSent;
    this.#isHead = isHead;
  }

  // ---- what arrives

  takeBlock({ fields, isLast, isTooLarge }: HeaderBlock): void {
    if (isTooLarge) this.fail(ErrorCode.enhanceYourCalm);
    else if (!this.#isAnswered) this.#takeHead(fields, isLast);
    else if (isLast && areRegular(fields)) this.#complete(fields);
    else this.fail(ErrorCode.protocolError);
  }

  #takeHead(received: HeaderBlock['fields'], isLast: boolean): void {
    const head = readAnswerHead(received);
    if (head === undefined || (head.status < 200 && isLast) || head.status === SWITCHING_PROTOCOLS) {
      this.fail(ErrorCode.protocolError);
      return;
    }
    if (head.status < 200) {
      this.#owner.countInformational();
      return;
    }
    this.#isAnswered = true;
    this.#expected = this.#isHead ? 0 : head.status === NOT_MODIFIED ? undefined : head.contentLength;
    this.#events.answered({ status: head.status, fields: head.fields, isLast });
    if (isLast && !this.isClosed) this.#complete([]);
  }

  /** `length`: of the chunk and its padding. */
  takeData(chunk: Buffer, length: number, isLast: boolean): void {
    if (!this.#receiveWindow.receive(length)) return this.fail(ErrorCode.flowControlError);
    if (this.#expected !== undefined) this.#expected -= chunk.length;
    if (!this.#isAnswered || (this.#expected ?? 0) < 0) return this.fail(ErrorCode.protocolError);
    this.#held += length;
    if (chunk.length > 0) this.#events.data(chunk);
    if (this.isClosed) return;
    if (isLast) this.#complete([]);
    else if (!this.#isPaused) this.#giveBack();
  }

  #complete(trailers: readonly HeaderField[]): void {
    if ((this.#expected ?? 0) > 0) return this.fail(ErrorCode.protocolError);
    // What is left of the request is of no use.
    if (!this.isSent) this.sender.reset(this.id, ErrorCode.noError);
    this.#close();
    this.#events.ended(trailers);
  }

  /** The server, or the end of its connection, broke it off. */
  abort(failure: Exclude<UpstreamFailure, 'full'>): void {
    if (this.isClosed) return;
    this.#close();
    // What has begun to answer has begun to work.
    this.#events.failed(this.#isAnswered ? 'broken' : failure);
  }

  /** The server broke the protocol. */
  fail(code: number): void {
    if (this.isClosed) return;
    this.sender.reset(this.id, code);
    this.abort('broken');
  }

  #giveBack(): void {
    const update = this.#receiveWindow.giveBack(this.#held);
    this.#held = 0;
    if (update > 0) this.sender.windowUpdate(this.id, update);
  }

  // ---- what whoever asked does

  /** The server may go on to the end of its window. */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.isClosed) this.#giveBack();
  }

  cancel(): void {
    if (this.isClosed) return;
    this.sender.reset(this.id, ErrorCode.cancel);
    this.#close();
  }

  protected override drained(): void {
    this.#events.drained();
  }

  #close(): void {
    this.close();
    this.#owner.closed(this);
  }
}

const SWITCHING_PROTOCOLS = 101;
/** It has the length that the body would have had. */
const NOT_MODIFIED = 304;
