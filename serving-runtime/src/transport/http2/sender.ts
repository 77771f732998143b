/** All that one connection sends: the frames, the client's flow control, and whose turn it is when that is the narrow place. */
import { DEFAULT_WINDOW, Flag, FrameType, MAX_FRAME_BYTES, MAX_WINDOW, SettingId } from './frames.ts';
import { writeFrameHead, writeGoaway, writeHeaders, writeNumberFrame, writeSettings } from './frames.ts';
import type { HeaderField } from './header-field.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import type { Http2Limits } from './limits.ts';
import { OutputBuffer } from './output-buffer.ts';

/** Streams that we reset: the client may not have known yet when it sent more of them. */
const MAX_RESET_REMEMBERED = 1024;

/** Where bytes go. */
export interface Outlet {
  /** Bytes that were taken and not sent. */
  unsentBytes(): number;
  /** There is something in `output`, or nothing more to come. */
  changed(): void;
}

/** A stream that has DATA and may not send it. */
export interface Waiting {
  readonly sendWindow: number;
  pump(frames: number): void;
}

export class Sender<Stream extends Waiting> {
  readonly output = new OutputBuffer();
  readonly encoder = new HpackEncoder();
  /** Bytes of answers that streams hold. */
  queuedBytes = 0;
  readonly blocked = new Set<Stream>();
  readonly #limits: Http2Limits;
  readonly #outlet: Outlet;
  readonly #resetIds = new Set<number>();
  #window = DEFAULT_WINDOW;

  constructor(limits: Http2Limits, outlet: Outlet) {
    this.#limits = limits;
    this.#outlet = outlet;
    writeSettings(this.output, [
      [SettingId.headerTableSize, limits.headerTableBytes],
      [SettingId.maxConcurrentStreams, limits.maxConcurrentStreams],
      [SettingId.initialWindowSize, limits.streamWindowBytes],
      [SettingId.maxHeaderListSize, limits.maxHeaderListBytes],
    ]);
    writeNumberFrame(this.output, FrameType.windowUpdate, 0, limits.connectionWindowBytes - DEFAULT_WINDOW);
  }

  /** How large the next DATA frame may be; 0 or less: none now. */
  get room(): number {
    const unsent = this.output.byteLength + this.#outlet.unsentBytes();
    return Math.min(MAX_FRAME_BYTES, this.#window, this.#limits.maxUnsentBytes - unsent);
  }

  /** The client takes so many bytes more. False when that is more than there can be. */
  widen(bytes: number): boolean {
    this.#window += bytes;
    return this.#window <= MAX_WINDOW;
  }

  /** Sends what waited, a frame of each stream in turn. */
  pumpBlocked(): void {
    while (this.blocked.size > 0 && this.room > 0) {
      const turn = [...this.blocked].filter((stream) => stream.sendWindow > 0);
      if (turn.length === 0) return;
      for (const stream of turn) {
        this.blocked.delete(stream);
        stream.pump(1);
      }
    }
  }

  headers(streamId: number, fields: readonly HeaderField[], isLast: boolean): void {
    writeHeaders(this.output, { streamId, isLast }, () => this.encoder.encode(fields, this.output));
    this.#outlet.changed();
  }

  data(streamId: number, bytes: Uint8Array, isLast: boolean): void {
    this.#window -= bytes.length;
    writeFrameHead(this.output, { type: FrameType.data, flags: isLast ? Flag.endStream : 0, streamId }, bytes.length);
    this.output.bytes(bytes);
    this.#outlet.changed();
  }

  reset(streamId: number, code: number): void {
    this.#resetIds.add(streamId);
    if (this.#resetIds.size > MAX_RESET_REMEMBERED) this.#resetIds.delete(this.#resetIds.values().next().value ?? 0);
    writeNumberFrame(this.output, FrameType.rstStream, streamId, code);
    this.#outlet.changed();
  }

  wasReset(streamId: number): boolean {
    return this.#resetIds.has(streamId);
  }

  windowUpdate(streamId: number, bytes: number): void {
    writeNumberFrame(this.output, FrameType.windowUpdate, streamId, bytes);
    this.#outlet.changed();
  }

  settingsAcknowledged(): void {
    writeFrameHead(this.output, { type: FrameType.settings, flags: Flag.ack, streamId: 0 }, 0);
    this.#outlet.changed();
  }

  pong(payload: Uint8Array): void {
    writeFrameHead(this.output, { type: FrameType.ping, flags: Flag.ack, streamId: 0 }, payload.length);
    this.output.bytes(payload);
    this.#outlet.changed();
  }

  goaway(lastStreamId: number, code: number): void {
    writeGoaway(this.output, lastStreamId, code);
    this.#outlet.changed();
  }
}
