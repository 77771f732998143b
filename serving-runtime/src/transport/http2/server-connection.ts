/** One connection of RFC 9113, as a server. */
import { Resets } from './conduct.ts';
import type { AddressConduct } from './conduct.ts';
import { Http2Connection } from './connection.ts';
import { ConnectionError, ErrorCode, protocolError } from './errors.ts';
import type { RequestListener } from './exchange.ts';
import { Flag, PREFACE, SettingId } from './frames.ts';
import type { Frame } from './frames.ts';
import { removePadding } from './header-blocks.ts';
import type { HeaderBlock } from './header-blocks.ts';
import type { HeaderField } from './header-field.ts';
import type { Http2Limits } from './limits.ts';
import { areRegular } from './regular-fields.ts';
import { readRequestHead } from './request-head.ts';
import type { Peer } from '../peer.ts';
import type { Outlet } from './sender.ts';
import { ServerStream } from './server-stream.ts';
import type { StreamOwner } from './server-stream.ts';

const TOO_LARGE: readonly HeaderField[] = [{ name: ':status', value: '431' }];

export interface ServerOptions {
  readonly limits: Http2Limits;
  readonly listener: RequestListener;
  readonly address: AddressConduct;
  readonly peer: Peer;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
}

const DRAIN_MARK = Buffer.from('draining');

export class ServerConnection extends Http2Connection<ServerStream> implements StreamOwner {
  readonly peer: Peer;
  readonly #limits: Http2Limits;
  readonly #listener: RequestListener;
  readonly #resets: Resets;
  /** Requests that nobody has been told of: those that are reset in the same breath never run. */
  #arrived: ServerStream[] = [];
  #prefaceLength = 0;
  #running = 0;
  #lastStreamId = 0;
  #isDraining = false;
  /** No stream after this one is served. */
  #finalStreamId = Infinity;

  constructor({ limits, listener, address, peer, now }: ServerOptions, outlet: Outlet) {
    super(limits, outlet, now);
    this.#limits = limits;
    this.#listener = listener;
    this.peer = peer;
    this.#resets = new Resets(limits.resets, now, address);
    const settings = [
      [SettingId.headerTableSize, limits.headerTableBytes],
      [SettingId.maxConcurrentStreams, limits.maxConcurrentStreams],
      [SettingId.initialWindowSize, limits.streamWindowBytes],
      [SettingId.maxHeaderListSize, limits.maxHeaderListBytes],
    ] as const;
    this.sender.open(settings, limits.connectionWindowBytes);
  }

  override receive(chunk: Buffer): void {
    super.receive(this.#prefaceLength < PREFACE.length ? this.#withoutPreface(chunk) : chunk);
    const arrived = this.#arrived;
    if (arrived.length === 0) return;
    this.#arrived = [];
    for (const stream of arrived) this.#start(stream);
  }

  override goAway(code: number, isFinal: boolean): void {
    if (isFinal) this.#finalStreamId = this.#lastStreamId;
    super.goAway(code, isFinal);
  }

  /** The client is told that it should go, and once it has shown that it knows, what was the last to be served. */
  drain(): void {
    this.goAway(ErrorCode.noError, false);
    this.#isDraining = true;
    this.sender.ping(DRAIN_MARK);
  }

  endDrain(): void {
    if (this.#finalStreamId === Infinity) this.goAway(ErrorCode.noError, true);
  }

  override abortAll(): void {
    this.isGoingAway = true;
    for (const stream of this.streams.values()) stream.abort();
  }

  #start(stream: ServerStream): void {
    if (stream.isClosed) return;
    this.#running += 1;
    stream.start(this.#listener);
  }

  #withoutPreface(chunk: Buffer): Buffer {
    const wanted = PREFACE.subarray(this.#prefaceLength, this.#prefaceLength + chunk.length);
    if (!wanted.equals(chunk.subarray(0, wanted.length))) throw protocolError('this is not HTTP/2');
    this.#prefaceLength += wanted.length;
    return chunk.subarray(wanted.length);
  }

  // ---- what arrives

  protected override lastServedId(): number {
    return this.#lastStreamId;
  }

  protected override wasOpened(streamId: number): boolean {
    return streamId % 2 === 1 && streamId <= this.#lastStreamId;
  }

  /** A client asks for nothing beside the windows and the table of HPACK that we could go by. */
  protected override takeSetting(): void {}

  protected override takeGoaway(): void {}

  protected override takePong(): void {
    if (this.#isDraining) this.endDrain();
  }

  protected override takeBlock(block: HeaderBlock): void {
    const stream = this.streams.get(block.streamId);
    if (stream !== undefined) {
      this.#takeTrailers(stream, block);
    } else if (block.streamId > this.#lastStreamId) {
      if (block.streamId % 2 === 0) throw protocolError('a client has odd streams');
      this.#takeRequest(block);
    } else if (!this.sender.wasReset(block.streamId)) {
      throw new ConnectionError(ErrorCode.streamClosed, 'HEADERS for a stream that is closed');
    }
  }

  #takeTrailers(stream: ServerStream, { fields, isLast, isTooLarge }: HeaderBlock): void {
    if (stream.isRequestComplete) this.fail(stream, ErrorCode.streamClosed);
    else if (!isLast || isTooLarge || !areRegular(fields)) this.fail(stream, ErrorCode.protocolError);
    else this.#completeRequest(stream);
  }

  #takeRequest({ streamId, fields, isLast, isTooLarge }: HeaderBlock): void {
    this.#lastStreamId = streamId;
    if (streamId > this.#finalStreamId) return;
    if (this.#isFull()) {
      this.idleFrames.count();
      this.sender.reset(streamId, ErrorCode.refusedStream);
      return;
    }
    const request = isTooLarge
      ? { method: '', path: '', authority: undefined, fields: [], contentLength: undefined }
      : readRequestHead(fields);
    if (request === undefined) {
      this.sender.reset(streamId, ErrorCode.protocolError);
      this.#resets.count();
      return;
    }
    const windows = { send: this.initialSendWindow, receive: this.#limits.streamWindowBytes };
    const stream = new ServerStream(this, streamId, request, windows);
    this.streams.set(streamId, stream);
    if (isLast) this.#completeRequest(stream);
    if (isTooLarge) stream.respond(TOO_LARGE, true);
    else if (!stream.isClosed) this.#arrived.push(stream);
  }

  #isFull(): boolean {
    const { maxConcurrentStreams, maxRunning, maxBlockedBytes } = this.#limits;
    return (
      this.streams.size >= maxConcurrentStreams ||
      this.#running >= maxRunning ||
      this.sender.queuedBytes >= maxBlockedBytes
    );
  }

  protected override takeData(frame: Frame): void {
    const { streamId, buffer } = frame;
    const length = frame.end - frame.start;
    const isLast = (frame.flags & Flag.endStream) !== 0;
    removePadding(frame);
    const stream = this.streams.get(streamId);
    if (stream === undefined || stream.isRequestComplete) {
      this.#takeUselessData(stream, streamId, length);
      return;
    }
    if (!stream.receiveWindow.receive(length)) {
      this.widen(length);
      this.fail(stream, ErrorCode.flowControlError);
      return;
    }
    const chunk = buffer.subarray(frame.start, frame.end);
    if (!stream.receive(chunk, length - chunk.length)) this.fail(stream, ErrorCode.protocolError);
    else if (isLast && !stream.isClosed) this.#completeRequest(stream);
  }

  #takeUselessData(stream: ServerStream | undefined, streamId: number, length: number): void {
    if (streamId > this.#lastStreamId) throw protocolError('DATA for a stream that was not opened');
    this.widen(length);
    if (stream !== undefined) this.fail(stream, ErrorCode.streamClosed);
    else if (!this.sender.wasReset(streamId) && streamId <= this.#finalStreamId) {
      this.sender.reset(streamId, ErrorCode.streamClosed);
      this.#resets.count();
    }
  }

  #completeRequest(stream: ServerStream): void {
    if (!stream.completeRequest()) this.fail(stream, ErrorCode.protocolError);
  }

  protected override takeReset(stream: ServerStream | undefined): void {
    if (stream === undefined) {
      this.idleFrames.count();
      return;
    }
    stream.abort();
    this.#resets.count();
  }

  protected override fail(stream: ServerStream, code: number): void {
    stream.fail(code);
    this.#resets.count();
  }

  // ---- for streams

  giveBack(stream: ServerStream, bytes: number): void {
    this.widen(bytes);
    if (stream.isClosed || stream.isRequestComplete) return;
    const update = stream.receiveWindow.giveBack(bytes);
    if (update > 0) this.sender.windowUpdate(stream.id, update);
  }

  finished(): void {
    this.#running -= 1;
  }

  closed(stream: ServerStream, isComplete: boolean): void {
    this.remove(stream);
    if (!isComplete) return;
    this.#resets.answered();
    this.idleFrames.answered();
  }
}
