/** One connection of RFC 9113, as far as both of its sides are alike: what arrives decides what is done; the socket is in carry-connection.ts. */
import { IdleFrames } from './conduct.ts';
import { ErrorCode, flowControlError, frameSizeError, protocolError } from './errors.ts';
import { DEFAULT_WINDOW, Flag, FrameReader, FrameType, MAX_WINDOW, SettingId } from './frames.ts';
import type { Frame } from './frames.ts';
import { checkDependency, checkFrame } from './frame-checks.ts';
import { HeaderBlocks } from './header-blocks.ts';
import type { HeaderBlock } from './header-blocks.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import type { PeerLimits } from './limits.ts';
import { ReceiveWindow } from './receive-window.ts';
import { Sender } from './sender.ts';
import type { Outlet } from './sender.ts';
import { readSettings } from './settings.ts';
import type { Setting } from './settings.ts';
import type { Http2Stream } from './stream.ts';

export abstract class Http2Connection<Stream extends Http2Stream> {
  readonly sender: Sender<Stream>;
  /** Milliseconds, of a clock that only goes forward. */
  readonly now: () => number;
  /** When the frame or header block that is not complete began to come; 0 for none. */
  incompleteSince = 0;
  /** The peer has sent its SETTINGS. */
  isOpen = false;
  protected readonly streams = new Map<number, Stream>();
  protected readonly idleFrames: IdleFrames;
  protected initialSendWindow = DEFAULT_WINDOW;
  /** No streams are opened any more. */
  protected isGoingAway = false;
  readonly #outlet: Outlet;
  readonly #reader = new FrameReader((frame) => this.#take(frame));
  readonly #headerBlocks: HeaderBlocks;
  readonly #receiveWindow: ReceiveWindow;
  #framesTaken = 0;

  constructor(limits: PeerLimits, outlet: Outlet, now: () => number) {
    this.#outlet = outlet;
    this.now = now;
    this.sender = new Sender(limits.maxUnsentBytes, outlet);
    this.idleFrames = new IdleFrames(limits.idleFrames, now);
    this.#headerBlocks = new HeaderBlocks(new HpackDecoder(limits.headerTableBytes, limits.maxHeaderListBytes), limits);
    this.#receiveWindow = new ReceiveWindow(limits.connectionWindowBytes);
  }

  get streamCount(): number {
    return this.streams.size;
  }

  /** Whether everything that was asked is answered and nothing more will be. */
  get isDone(): boolean {
    return this.isGoingAway && this.streams.size === 0;
  }

  /** @throws {ConnectionError} when the peer broke the protocol, or asked too much. */
  receive(chunk: Buffer): void {
    const taken = this.#framesTaken;
    this.#reader.read(chunk);
    if (!this.#reader.isWithinFrame && this.#headerBlocks.openStreamId === 0) this.incompleteSince = 0;
    else if (this.incompleteSince === 0 || this.#framesTaken > taken) this.incompleteSince = this.now();
  }

  /** Ends all streams: the connection is at its end, too. */
  abstract abortAll(): void;
  /** The last of the peer's streams that is served, for GOAWAY. */
  protected abstract lastServedId(): number;
  /** Whether a stream with this id is there, or was. */
  protected abstract wasOpened(streamId: number): boolean;
  protected abstract takeBlock(block: HeaderBlock): void;
  /** `frame` still has its padding; the window of the connection has room for it. */
  protected abstract takeData(frame: Frame): void;
  /** `stream`: undefined when it is over. */
  protected abstract takeReset(stream: Stream | undefined, frame: Frame): void;
  protected abstract takeGoaway(frame: Frame): void;
  /** The peer has read what came before our PING. */
  protected takePong(): void {}
  /** Beside those of windows and of HPACK. */
  protected abstract takeSetting(setting: Setting): void;
  /** The peer broke the protocol with a stream. */
  protected abstract fail(stream: Stream, code: number): void;

  /** After it, new streams of the peer are not served; with `isFinal` false those are that are on their way. */
  goAway(code: number, isFinal: boolean): void {
    if (isFinal) this.isGoingAway = true;
    this.sender.goaway(isFinal ? this.lastServedId() : MAX_WINDOW, code);
  }

  #take(frame: Frame): void {
    this.#framesTaken += 1;
    const { type, flags } = frame;
    checkFrame(frame);
    if (!this.isOpen && (type !== FrameType.settings || (flags & Flag.ack) !== 0)) {
      throw protocolError('SETTINGS must come first');
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
    this.idleFrames.count();
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
        this.isGoingAway = true;
        this.takeGoaway(frame);
        return this.changed();
      default:
    }
  }

  #takeBlock(block: HeaderBlock | undefined): void {
    if (block !== undefined) this.takeBlock(block);
  }

  #takeData(frame: Frame): void {
    const length = frame.end - frame.start;
    if (!this.#receiveWindow.receive(length)) throw flowControlError('more DATA than the connection may send');
    if (length === 0 && (frame.flags & Flag.endStream) === 0) this.idleFrames.count();
    this.takeData(frame);
  }

  #takeReset(frame: Frame): void {
    this.#checkOpened(frame.streamId);
    this.takeReset(this.streams.get(frame.streamId), frame);
  }

  #takeSettings(frame: Frame): void {
    if ((frame.flags & Flag.ack) !== 0) {
      if (frame.end > frame.start) throw frameSizeError('an acknowledgement has settings');
      return;
    }
    for (const setting of readSettings(frame)) {
      if (setting.id === SettingId.headerTableSize) this.sender.encoder.limitTable(setting.value);
      else if (setting.id === SettingId.initialWindowSize) this.#resizeSendWindows(setting.value);
      else this.takeSetting(setting);
    }
    this.isOpen = true;
    this.sender.settingsAcknowledged();
  }

  #resizeSendWindows(size: number): void {
    const change = size - this.initialSendWindow;
    this.initialSendWindow = size;
    for (const stream of this.streams.values()) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) throw flowControlError('a window is too large');
    }
    this.sender.pumpBlocked();
  }

  #takePing(frame: Frame): void {
    if ((frame.flags & Flag.ack) !== 0) return this.takePong();
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
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    stream.sendWindow += increment;
    if (increment === 0) this.fail(stream, ErrorCode.protocolError);
    else if (stream.sendWindow > MAX_WINDOW) this.fail(stream, ErrorCode.flowControlError);
    else if (this.sender.blocked.has(stream)) this.sender.pumpBlocked();
  }

  #checkOpened(streamId: number): void {
    if (!this.wasOpened(streamId)) throw protocolError('the frame is for a stream that was not opened');
  }

  // ---- for streams

  /** The peer may send so many bytes more, over all streams. */
  protected widen(bytes: number): void {
    const update = this.#receiveWindow.giveBack(bytes);
    if (update > 0) this.sender.windowUpdate(0, update);
  }

  /** There may be nothing more to come. */
  protected changed(): void {
    this.#outlet.changed();
  }

  dataSent(): void {
    this.idleFrames.dataSent();
  }

  protected remove(stream: Stream): void {
    this.streams.delete(stream.id);
    this.sender.blocked.delete(stream);
    this.changed();
  }
}
