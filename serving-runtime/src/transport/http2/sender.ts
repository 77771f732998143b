/** All that one connection sends: the frames, the peer's flow control, and whose turn it is when that is the narrow place. */
import { DEFAULT_WINDOW, Flag, FrameType, MAX_FRAME_BYTES, MAX_WINDOW } from './frames.ts';
import { writeFrameHead, writeGoaway, writeHeaders, writeNumberFrame, writeSettings } from './frames.ts';
import type { HeaderField } from './header-field.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { OutputBuffer } from './output-buffer.ts';

/** Streams that we reset: the peer may not have known yet when it sent more of them. */
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
  /** Bytes of bodies that streams hold. */
  queuedBytes = 0;
  readonly blocked = new Set<Stream>();
  readonly #maxUnsentBytes: number;
  readonly #outlet: Outlet;
  readonly #resetIds = new Set<number>();
  #window = DEFAULT_WINDOW;

  constructor(maxUnsentBytes: number, outlet: Outlet) {
    this.#maxUnsentBytes = maxUnsentBytes;
    this.#outlet = outlet;
  }

  /** What each side begins with. */
  open(settings: readonly (readonly [id: number, value: number])[], connectionWindowBytes: number): void {
    writeSettings(this.output, settings);
    writeNumberFrame(this.output, FrameType.windowUpdate, 0, connectionWindowBytes - DEFAULT_WINDOW);
    this.#outlet.changed();
  }

  /** How large the next DATA frame may be; 0 or less: none now. */
  get room(): number {
    const unsent = this.output.byteLength + this.#outlet.unsentBytes();
    return Math.min(MAX_FRAME_BYTES, this.#window, this.#maxUnsentBytes - unsent);
  }

  /** The peer takes so many bytes more. False when that is more than there can be. */
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

  ping(payload: Uint8Array): void {
    this.#ping(0, payload);
  }

  pong(payload: Uint8Array): void {
    this.#ping(Flag.ack, payload);
  }

  #ping(flags: number, payload: Uint8Array): void {
    writeFrameHead(this.output, { type: FrameType.ping, flags, streamId: 0 }, payload.length);
    this.output.bytes(payload);
    this.#outlet.changed();
  }

  goaway(lastStreamId: number, code: number): void {
    writeGoaway(this.output, lastStreamId, code);
    this.#outlet.changed();
  }
}
