/** RFC 9113, sections 4 and 6: frames out of the bytes of a connection, and into them. */
import { frameSizeError } from './errors.ts';
import type { OutputBuffer } from './output-buffer.ts';

export const FrameType = {
  data: 0x0,
  headers: 0x1,
  priority: 0x2,
  rstStream: 0x3,
  settings: 0x4,
  pushPromise: 0x5,
  ping: 0x6,
  goaway: 0x7,
  windowUpdate: 0x8,
  continuation: 0x9,
} as const;

export const Flag = { endStream: 0x1, ack: 0x1, endHeaders: 0x4, padded: 0x8, priority: 0x20 } as const;

export const SettingId = {
  headerTableSize: 0x1,
  enablePush: 0x2,
  maxConcurrentStreams: 0x3,
  initialWindowSize: 0x4,
  maxFrameSize: 0x5,
  maxHeaderListSize: 0x6,
} as const;

/** What a client says first (section 3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export const HEADER_BYTES = 9;
/** What every peer takes, and all that we send and take. */
export const MAX_FRAME_BYTES = 16_384;
export const MAX_WINDOW = 2 ** 31 - 1;
export const DEFAULT_WINDOW = 65_535;

/** A frame whose payload is `buffer` from `start` to `end`. It is written over when its reader goes on. */
export interface Frame {
  type: number;
  flags: number;
  streamId: number;
  buffer: Buffer;
  start: number;
  end: number;
}

/** Cuts what arrives into frames. */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  readonly #frame: Frame = { type: 0, flags: 0, streamId: 0, buffer: Buffer.alloc(0), start: 0, end: 0 };
  /** The beginning of a frame whose rest has not arrived. */
  #partial: Buffer = Buffer.alloc(HEADER_BYTES);
  #partialLength = 0;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /** Whether a frame has begun and not ended. */
  get isWithinFrame(): boolean {
    return this.#partialLength > 0;
  }

  /** @throws {ConnectionError} for a frame that is longer than MAX_FRAME_BYTES, and what `onFrame` throws. */
  read(chunk: Buffer): void {
    let offset = this.#partialLength === 0 ? 0 : this.#complete(chunk);
    while (offset + HEADER_BYTES <= chunk.length) {
      const end = offset + HEADER_BYTES + lengthAt(chunk, offset);
      if (end > chunk.length) break;
      this.#tell(chunk, offset, end);
      offset = end;
    }
    if (offset < chunk.length) this.#keep(chunk, offset);
  }

  /** Adds to the frame that has begun; the result is where the next one begins. */
  #complete(chunk: Buffer): number {
    let offset = 0;
    if (this.#partialLength < HEADER_BYTES) {
      offset = this.#append(chunk, 0, HEADER_BYTES);
      if (this.#partialLength < HEADER_BYTES) return offset;
      this.#grow(HEADER_BYTES + lengthAt(this.#partial, 0));
    }
    offset = this.#append(chunk, offset, this.#partial.length);
    if (this.#partialLength === this.#partial.length) {
      const whole = this.#partial;
      this.#partial = Buffer.alloc(HEADER_BYTES);
      this.#partialLength = 0;
      this.#tell(whole, 0, whole.length);
    }
    return offset;
  }

  #keep(chunk: Buffer, offset: number): void {
    const rest = chunk.length - offset;
    if (rest >= HEADER_BYTES) this.#partial = Buffer.allocUnsafe(HEADER_BYTES + lengthAt(chunk, offset));
    this.#append(chunk, offset, this.#partial.length);
  }

  #append(chunk: Buffer, offset: number, wanted: number): number {
    const copied = chunk.copy(this.#partial, this.#partialLength, offset, offset + wanted - this.#partialLength);
    this.#partialLength += copied;
    return offset + copied;
  }

  #grow(bytes: number): void {
    const whole = Buffer.allocUnsafe(bytes);
    this.#partial.copy(whole, 0, 0, this.#partialLength);
    this.#partial = whole;
  }

  #tell(buffer: Buffer, offset: number, end: number): void {
    const frame = this.#frame;
    frame.type = buffer[offset + 3] ?? 0;
    frame.flags = buffer[offset + 4] ?? 0;
    frame.streamId = buffer.readUInt32BE(offset + 5) & 0x7fffffff;
    frame.buffer = buffer;
    frame.start = offset + HEADER_BYTES;
    frame.end = end;
    this.#onFrame(frame);
  }
}

function lengthAt(bytes: Buffer, offset: number): number {
  const length = ((bytes[offset] ?? 0) << 16) | ((bytes[offset + 1] ?? 0) << 8) | (bytes[offset + 2] ?? 0);
  if (length > MAX_FRAME_BYTES) throw frameSizeError('a frame is too long');
  return length;
}

export interface FrameHead {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

export function writeFrameHead(output: OutputBuffer, { type, flags, streamId }: FrameHead, length: number): void {
  output.uint32((length << 8) | type);
  output.byte(flags);
  output.uint32(streamId);
}

export interface HeaderBlockOptions {
  readonly streamId: number;
  readonly isLast: boolean;
}

/** The header block that `encode` writes, as a HEADERS frame and as many CONTINUATION frames as it needs. */
export function writeHeaders(output: OutputBuffer, { streamId, isLast }: HeaderBlockOptions, encode: () => void): void {
  const start = output.leave(HEADER_BYTES);
  encode();
  const flags = isLast ? Flag.endStream : 0;
  const length = output.since(start) - HEADER_BYTES;
  if (length <= MAX_FRAME_BYTES) {
    const head = { type: FrameType.headers, flags: flags | Flag.endHeaders, streamId };
    output.fill(start, () => writeFrameHead(output, head, length));
    return;
  }
  const block = output.cut(start).subarray(HEADER_BYTES);
  for (let offset = 0; offset < block.length; offset += MAX_FRAME_BYTES) {
    const part = block.subarray(offset, offset + MAX_FRAME_BYTES);
    const end = offset + part.length === block.length ? Flag.endHeaders : 0;
    const type = offset === 0 ? FrameType.headers : FrameType.continuation;
    writeFrameHead(output, { type, flags: end | (offset === 0 ? flags : 0), streamId }, part.length);
    output.bytes(part);
  }
}

/** RST_STREAM, WINDOW_UPDATE: a frame with one number. */
export function writeNumberFrame(output: OutputBuffer, type: number, streamId: number, value: number): void {
  writeFrameHead(output, { type, flags: 0, streamId }, 4);
  output.uint32(value);
}

export function writeGoaway(output: OutputBuffer, lastStreamId: number, code: number): void {
  writeFrameHead(output, { type: FrameType.goaway, flags: 0, streamId: 0 }, 8);
  output.uint32(lastStreamId);
  output.uint32(code);
}

export function writeSettings(output: OutputBuffer, settings: readonly (readonly [id: number, value: number])[]): void {
  writeFrameHead(output, { type: FrameType.settings, flags: 0, streamId: 0 }, settings.length * 6);
  for (const [id, value] of settings) {
    output.byte(id >> 8);
    output.byte(id & 0xff);
    output.uint32(value);
  }
}
