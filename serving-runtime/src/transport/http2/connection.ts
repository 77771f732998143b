/** One connection of RFC 9113, as a server: what arrives decides what is done; the socket is in socket-connection.ts. */
import { Conduct } from './conduct.ts';
import type { AddressConduct } from './conduct.ts';
import { ConnectionError, ErrorCode, protocolError } from './errors.ts';
import type { RequestListener } from './exchange.ts';
import { DEFAULT_WINDOW, Flag, FrameReader, FrameType, MAX_WINDOW, SettingId } from './frames.ts';
import type { Frame } from './frames.ts';
import { checkDependency, checkFrame } from './frame-checks.ts';
import { HeaderBlocks, removePadding } from './header-blocks.ts';
import type { HeaderBlock } from './header-blocks.ts';
import type { HeaderField } from './header-field.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import type { Http2Limits } from './limits.ts';
import { ReceiveWindow } from './receive-window.ts';
import { areTrailers, readRequestHead } from './request-head.ts';
import { Sender } from './sender.ts';
import type { Peer } from '../peer.ts';
import type { Outlet } from './sender.ts';
import { readSettings } from './settings.ts';
import { Http2Stream } from './stream.ts';
import type { StreamOwner } from './stream.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const TOO_LARGE: readonly HeaderField[] = [{ name: ':status', value: '431' }];

export interface ConnectionOptions {
  readonly limits: Http2Limits;
  readonly listener: RequestListener;
  readonly address: AddressConduct;
  readonly peer: Peer;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
}

export class Http2Connection implements StreamOwner {
  readonly sender: Sender<Http2Stream>;
  readonly peer: Peer;
  readonly now: () => number;
  /** When the frame or header block that is not complete began to come; 0 for none. */
  incompleteSince = 0;
  /** The client has sent its preface and its SETTINGS. */
  isOpen = false;
  readonly #limits: Http2Limits;
  readonly #listener: RequestListener;
  readonly #outlet: Outlet;
  readonly #conduct: Conduct;
  readonly #reader = new FrameReader((frame) => this.#take(frame));
  readonly #headerBlocks: HeaderBlocks;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #receiveWindow: ReceiveWindow;
  /** Requests that nobody has been told of: those that are reset in the same breath never run. */
  #arrived: Http2Stream[] = [];
  #prefaceLength = 0;
  #framesTaken = 0;
  #running = 0;
  #lastStreamId = 0;
  #initialSendWindow = DEFAULT_WINDOW;
  #isGoingAway = false;
  /** No stream after this one is served. */
  #finalStreamId = Infinity;

  constructor({ limits, listener, address, peer, now }: ConnectionOptions, outlet: Outlet) {
    this.#limits = limits;
    this.#listener = listener;
    this.#outlet = outlet;
    this.now = now;
    this.peer = peer;
    this.sender = new Sender(limits, outlet);
    this.#conduct = new Conduct(limits, now, address);
    this.#headerBlocks = new HeaderBlocks(new HpackDecoder(limits.headerTableBytes, limits.maxHeaderListBytes), limits);
    this.#receiveWindow = new ReceiveWindow(limits.connectionWindowBytes);
  }

  get streamCount(): number {
    return this.#streams.size;
  }

  /** Whether everything that was asked is answered and nothing more will be. */
  get isDone(): boolean {
    return this.#isGoingAway && this.#streams.size === 0;
  }

  /** @throws {ConnectionError} when the client broke the protocol, or asked too much. */
  receive(chunk: Buffer): void {
    const taken = this.#framesTaken;
    this.#reader.read(this.#prefaceLength < PREFACE.length ? this.#withoutPreface(chunk) : chunk);
    if (!this.#reader.isWithinFrame && this.#headerBlocks.openStreamId === 0) this.incompleteSince = 0;
    else if (this.incompleteSince === 0 || this.#framesTaken > taken) this.incompleteSince = this.now();
    const arrived = this.#arrived;
    if (arrived.length === 0) return;
    this.#arrived = [];
    for (const stream of arrived) this.#start(stream);
  }

  /** After it, new streams are not served; with `isFinal` false those are that are on their way. */
  goAway(code: number, isFinal: boolean): void {
    if (isFinal) {
      this.#isGoingAway = true;
      this.#finalStreamId = this.#lastStreamId;
    }
    this.sender.goaway(isFinal ? this.#lastStreamId : MAX_WINDOW, code);
  }

  abortAll(): void {
    this.#isGoingAway = true;
    for (const stream of this.#streams.values()) stream.abort();
  }

  #start(stream: Http2Stream): void {
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

  // ---- frames that arrive

  #take(frame: Frame): void {
    this.#framesTaken += 1;
    const { type, flags } = frame;
    checkFrame(frame);
    if (!this.isOpen) {
      if (type !== FrameType.settings || (flags & Flag.ack) !== 0) throw protocolError('SETTINGS must come first');
      this.isOpen = true;
    }
    if (this.#headerBlocks.openStreamId !== 0 && type !== FrameType.continuation) {
      throw protocolError('another frame stands within a header block');
    }
    if (type === FrameType.data) this.#takeData(frame);
    else if (type === FrameType.headers) this.#takeBlock(this.#headerBlocks.begin(frame));
    else if (type === FrameType.continuation) this.#takeBlock(this.#headerBlocks.go(frame));
    else if (type === FrameType.rstStream) this.#takeReset(frame);
    else this.#takeControl(frame);
  }

  #takeControl(frame: Frame): void {
    this.#conduct.countIdleFrame();
    switch (frame.type) {
      case FrameType.settings:
        return this.#takeSettings(frame);
      case FrameType.ping:
        return this.#takePing(frame);
      case FrameType.windowUpdate:
        return this.#takeWindowUpdate(frame);
      case FrameType.priority:
        return checkDependency(frame);
      case FrameType.goaway:
        this.#isGoingAway = true;
        return this.#outlet.changed();
      default:
    }
  }

  #takeBlock(block: HeaderBlock | undefined): void {
    if (block === undefined) return;
    const stream = this.#streams.get(block.streamId);
    if (stream !== undefined) {
      this.#takeTrailers(stream, block);
    } else if (block.streamId > this.#lastStreamId) {
      if (block.streamId % 2 === 0) throw protocolError('a client has odd streams');
      this.#takeRequest(block);
    } else if (!this.sender.wasReset(block.streamId)) {
      throw new ConnectionError(ErrorCode.streamClosed, 'HEADERS for a stream that is closed');
    }
  }

  #takeTrailers(stream: Http2Stream, { fields, isLast, isTooLarge }: HeaderBlock): void {
    if (stream.isRequestComplete) this.#fail(stream, ErrorCode.streamClosed);
    else if (!isLast || isTooLarge || !areTrailers(fields)) this.#fail(stream, ErrorCode.protocolError);
    else this.#completeRequest(stream);
  }

  #takeRequest({ streamId, fields, isLast, isTooLarge }: HeaderBlock): void {
    this.#lastStreamId = streamId;
    if (streamId > this.#finalStreamId) return;
    if (this.#isFull()) {
      this.#conduct.countIdleFrame();
      this.sender.reset(streamId, ErrorCode.refusedStream);
      return;
    }
    const request = isTooLarge
      ? { method: '', path: '', authority: undefined, fields: [], contentLength: undefined }
      : readRequestHead(fields);
    if (request === undefined) {
      this.sender.reset(streamId, ErrorCode.protocolError);
      this.#conduct.countReset();
      return;
    }
    const windows = { send: this.#initialSendWindow, receive: this.#limits.streamWindowBytes };
    const stream = new Http2Stream(this, streamId, request, windows);
    this.#streams.set(streamId, stream);
    if (isLast) this.#completeRequest(stream);
    if (isTooLarge) stream.respond(TOO_LARGE, true);
    else if (!stream.isClosed) this.#arrived.push(stream);
  }

  #isFull(): boolean {
    const { maxConcurrentStreams, maxRunning, maxBlockedBytes } = this.#limits;
    return (
      this.#streams.size >= maxConcurrentStreams ||
      this.#running >= maxRunning ||
      this.sender.queuedBytes >= maxBlockedBytes
    );
  }

  #takeData(frame: Frame): void {
    const { streamId, buffer, end } = frame;
    const length = end - frame.start;
    if (!this.#receiveWindow.receive(length)) throw flowControlError('more DATA than the connection may send');
    const isLast = (frame.flags & Flag.endStream) !== 0;
    if (length === 0 && !isLast) this.#conduct.countIdleFrame();
    removePadding(frame);
    const stream = this.#streams.get(streamId);
    if (stream === undefined || stream.isRequestComplete) {
      this.#takeUselessData(stream, streamId, length);
      return;
    }
    if (!stream.receiveWindow.receive(length)) {
      this.#giveBack(length);
      this.#fail(stream, ErrorCode.flowControlError);
      return;
    }
    const chunk = buffer.subarray(frame.start, frame.end);
    if (!stream.receive(chunk, length - chunk.length)) this.#fail(stream, ErrorCode.protocolError);
    else if (isLast && !stream.isClosed) this.#completeRequest(stream);
  }

  #takeUselessData(stream: Http2Stream | undefined, streamId: number, length: number): void {
    if (streamId > this.#lastStreamId) throw protocolError('DATA for a stream that was not opened');
    this.#giveBack(length);
    if (stream !== undefined) this.#fail(stream, ErrorCode.streamClosed);
    else if (!this.sender.wasReset(streamId) && streamId <= this.#finalStreamId) {
      this.sender.reset(streamId, ErrorCode.streamClosed);
      this.#conduct.countReset();
    }
  }

  #completeRequest(stream: Http2Stream): void {
    if (!stream.completeRequest()) this.#fail(stream, ErrorCode.protocolError);
  }

  #takeReset(frame: Frame): void {
    this.#checkOpened(frame.streamId);
    const stream = this.#streams.get(frame.streamId);
    if (stream === undefined) {
      this.#conduct.countIdleFrame();
      return;
    }
    stream.abort();
    this.#conduct.countReset();
  }

  #takeSettings(frame: Frame): void {
    if ((frame.flags & Flag.ack) !== 0) {
      if (frame.end > frame.start)
        throw new ConnectionError(ErrorCode.frameSizeError, 'an acknowledgement has settings');
      return;
    }
    for (const { id, value } of readSettings(frame)) {
      if (id === SettingId.headerTableSize) this.sender.encoder.limitTable(value);
      if (id === SettingId.initialWindowSize) this.#resizeSendWindows(value);
    }
    this.sender.settingsAcknowledged();
  }

  #resizeSendWindows(size: number): void {
    const change = size - this.#initialSendWindow;
    this.#initialSendWindow = size;
    for (const stream of this.#streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) throw flowControlError('a window is too large');
    }
    this.sender.pumpBlocked();
  }

  #takePing(frame: Frame): void {
    if ((frame.flags & Flag.ack) !== 0) return;
    this.sender.pong(frame.buffer.subarray(frame.start, frame.end));
  }

  #takeWindowUpdate({ streamId, buffer, start }: Frame): void {
    const increment = buffer.readUInt32BE(start) & 0x7fffffff;
    if (streamId === 0) {
      if (increment === 0) throw protocolError('a window grows by nothing');
      if (!this.sender.widen(increment)) throw flowControlError('the window is too large');
      this.sender.pumpBlocked();
      return;
    }
    this.#checkOpened(streamId);
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    stream.sendWindow += increment;
    if (increment === 0) this.#fail(stream, ErrorCode.protocolError);
    else if (stream.sendWindow > MAX_WINDOW) this.#fail(stream, ErrorCode.flowControlError);
    else if (this.sender.blocked.has(stream)) this.sender.pumpBlocked();
  }

  #checkOpened(streamId: number): void {
    if (streamId % 2 === 0 || streamId > this.#lastStreamId) {
      throw protocolError('the frame is for a stream that was not opened');
    }
  }

  #fail(stream: Http2Stream, code: number): void {
    stream.fail(code);
    this.#conduct.countReset();
  }

  // ---- for streams

  giveBack(stream: Http2Stream, bytes: number): void {
    this.#giveBack(bytes);
    if (stream.isClosed || stream.isRequestComplete) return;
    const update = stream.receiveWindow.giveBack(bytes);
    if (update > 0) this.sender.windowUpdate(stream.id, update);
  }

  #giveBack(bytes: number): void {
    const update = this.#receiveWindow.giveBack(bytes);
    if (update > 0) this.sender.windowUpdate(0, update);
  }

  dataSent(): void {
    this.#conduct.dataSent();
  }

  finished(): void {
    this.#running -= 1;
  }

  closed(stream: Http2Stream, isComplete: boolean): void {
    this.#streams.delete(stream.id);
    this.sender.blocked.delete(stream);
    if (isComplete) this.#conduct.answered();
    this.#outlet.changed();
  }
}

function flowControlError(message: string): ConnectionError {
  return new ConnectionError(ErrorCode.flowControlError, message);
}
