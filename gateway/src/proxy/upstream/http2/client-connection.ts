/** One connection of RFC 9113, as a client: many requests at a time, each a stream. */
import { Http2Connection } from '@slipway/serving-runtime/transport/http2/connection';
import { ErrorCode, frameSizeError, protocolError } from '@slipway/serving-runtime/transport/http2/errors';
import { Flag, MAX_WINDOW, PREFACE, SettingId } from '@slipway/serving-runtime/transport/http2/frames';
import type { Frame } from '@slipway/serving-runtime/transport/http2/frames';
import { removePadding } from '@slipway/serving-runtime/transport/http2/header-blocks';
import type { HeaderBlock } from '@slipway/serving-runtime/transport/http2/header-blocks';
import type { HeaderField } from '@slipway/serving-runtime/transport/http2/header-field';
import type { PeerLimits } from '@slipway/serving-runtime/transport/http2/limits';
import type { Outlet } from '@slipway/serving-runtime/transport/http2/sender';
import type { Setting } from '@slipway/serving-runtime/transport/http2/settings';
import type { UpstreamEvents } from '../upstream.ts';
import { ClientStream } from './client-stream.ts';
import type { ClientStreamOwner } from './client-stream.ts';

/** Until the server has said how many it takes. */
const STREAMS_AT_FIRST = 100;

export interface ClientOptions {
  readonly limits: PeerLimits;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** Of its first stream. Default 1; a test begins at the end of what there are. */
  readonly firstStreamId?: number;
}

export interface Opening {
  /** Pseudo-fields first; names in small letters. */
  readonly fields: readonly HeaderField[];
  /** There is no body. */
  readonly isLast: boolean;
  readonly isHead: boolean;
}

export class ClientConnection extends Http2Connection<ClientStream> implements ClientStreamOwner {
  /** Else what is asked has not reached anybody. */
  isConnected = false;
  /** A stream was opened since somebody looked. */
  wasUsed = false;
  readonly #limits: PeerLimits;
  #nextStreamId: number;
  #maxStreams: number | undefined;

  constructor({ limits, now, firstStreamId = 1 }: ClientOptions, outlet: Outlet) {
    super(limits, outlet, now);
    this.#limits = limits;
    this.#nextStreamId = firstStreamId;
    this.sender.output.bytes(PREFACE);
    const settings = [
      [SettingId.headerTableSize, limits.headerTableBytes],
      [SettingId.enablePush, 0],
      [SettingId.initialWindowSize, limits.streamWindowBytes],
      [SettingId.maxHeaderListSize, limits.maxHeaderListBytes],
    ] as const;
    this.sender.open(settings, limits.connectionWindowBytes);
  }

  /** It takes no more requests, and ends when those that it has are answered. */
  get isLeaving(): boolean {
    return this.isGoingAway;
  }

  get hasRoom(): boolean {
    const most = this.#maxStreams ?? (this.isOpen ? Infinity : STREAMS_AT_FIRST);
    return !this.isGoingAway && this.streams.size < most;
  }

  open({ fields, isLast, isHead }: Opening, events: UpstreamEvents): ClientStream {
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    // Ids are not used twice: the next stream needs another connection.
    if (this.#nextStreamId > MAX_WINDOW) this.isGoingAway = true;
    const windows = { send: this.initialSendWindow, receive: this.#limits.streamWindowBytes };
    const stream = new ClientStream(this, events, { id, windows, isSent: isLast, isHead });
    this.streams.set(id, stream);
    this.wasUsed = true;
    this.sender.headers(id, fields, isLast);
    return stream;
  }

  override abortAll(): void {
    this.isGoingAway = true;
    for (const stream of this.streams.values()) stream.abort(this.isConnected ? 'broken' : 'unconnected');
  }

  // ---- what arrives

  /** Servers open none. */
  protected override lastServedId(): number {
    return 0;
  }

  protected override wasOpened(streamId: number): boolean {
    return streamId % 2 === 1 && streamId < this.#nextStreamId;
  }

  protected override takeBlock(block: HeaderBlock): void {
    const stream = this.#streamOf(block.streamId);
    if (stream !== undefined) stream.takeBlock(block);
  }

  protected override takeData(frame: Frame): void {
    const length = frame.end - frame.start;
    const isLast = (frame.flags & Flag.endStream) !== 0;
    removePadding(frame);
    // A stream that is paused holds back nobody but itself.
    this.widen(length);
    const stream = this.#streamOf(frame.streamId);
    if (stream !== undefined) stream.takeData(frame.buffer.subarray(frame.start, frame.end), length, isLast);
  }

  /** undefined when it is over: of those that we reset, the server may not have known yet when it sent more. */
  #streamOf(streamId: number): ClientStream | undefined {
    if (!this.wasOpened(streamId)) throw protocolError('the frame is for a stream that was not opened');
    const stream = this.streams.get(streamId);
    if (stream === undefined && !this.sender.wasReset(streamId)) this.idleFrames.count();
    return stream;
  }

  protected override takeReset(stream: ClientStream | undefined, { buffer, start }: Frame): void {
    if (stream === undefined) {
      this.idleFrames.count();
      return;
    }
    stream.abort(buffer.readUInt32BE(start) === ErrorCode.refusedStream ? 'refused' : 'broken');
  }

  /** Streams after the last that it names were never looked at, and may be asked for elsewhere. */
  protected override takeGoaway({ buffer, start, end }: Frame): void {
    if (end - start < GOAWAY_BYTES) throw frameSizeError('GOAWAY is too short');
    const lastServed = buffer.readUInt32BE(start) & MAX_WINDOW;
    for (const stream of this.streams.values()) if (stream.id > lastServed) stream.abort('refused');
  }

  protected override takeSetting({ id, value }: Setting): void {
    if (id === SettingId.maxConcurrentStreams) this.#maxStreams = value;
    if (id === SettingId.enablePush && value !== 0) throw protocolError('a server cannot ask to be pushed to');
  }

  protected override fail(stream: ClientStream, code: number): void {
    stream.fail(code);
  }

  // ---- for streams

  countInformational(): void {
    this.idleFrames.count();
  }

  closed(stream: ClientStream): void {
    this.remove(stream);
    this.idleFrames.answered();
  }
}

const GOAWAY_BYTES = 8;
