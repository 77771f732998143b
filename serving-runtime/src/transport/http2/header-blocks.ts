/** Header blocks out of HEADERS and the CONTINUATION frames that follow it. */
import { enhanceYourCalm, frameSizeError, protocolError } from './errors.ts';
import { checkDependency } from './frame-checks.ts';
import { Flag } from './frames.ts';
import type { Frame } from './frames.ts';
import type { DecodedBlock, HpackDecoder } from './hpack-decoder.ts';
import type { PeerLimits } from './limits.ts';

const PRIORITY_BYTES = 5;

/** Takes the padding off. @throws {ConnectionError} when it is longer than the frame. */
export function removePadding(frame: Frame): void {
  if ((frame.flags & Flag.padded) === 0) return;
  if (frame.start === frame.end) throw frameSizeError('a padded frame has no length of padding');
  const padding = frame.buffer[frame.start] ?? 0;
  frame.start += 1;
  frame.end -= padding;
  if (frame.end < frame.start) throw protocolError('the padding is longer than its frame');
}

export interface HeaderBlock extends DecodedBlock {
  readonly streamId: number;
  readonly isLast: boolean;
}

export class HeaderBlocks {
  readonly #decoder: HpackDecoder;
  readonly #limits: PeerLimits;
  #streamId = 0;
  #flags = 0;
  #fragments: Buffer[] = [];
  #bytes = 0;

  constructor(decoder: HpackDecoder, limits: PeerLimits) {
    this.#decoder = decoder;
    this.#limits = limits;
  }

  /** The stream whose block is not complete; 0 for none. */
  get openStreamId(): number {
    return this.#streamId;
  }

  /** The block, if this frame is all of it. */
  begin(frame: Frame): HeaderBlock | undefined {
    removePadding(frame);
    if ((frame.flags & Flag.priority) !== 0) {
      if (frame.end - frame.start < PRIORITY_BYTES) throw frameSizeError('HEADERS is too short');
      checkDependency(frame);
      frame.start += PRIORITY_BYTES;
    }
    this.#flags = frame.flags;
    if ((frame.flags & Flag.endHeaders) !== 0)
      return this.#decode(frame.streamId, frame.buffer, frame.start, frame.end);
    this.#streamId = frame.streamId;
    this.#keep(frame);
    return undefined;
  }

  /** The block, if this frame is the end of it. */
  go(frame: Frame): HeaderBlock | undefined {
    if (frame.streamId !== this.#streamId || this.#streamId === 0)
      throw protocolError('CONTINUATION continues nothing');
    this.#keep(frame);
    if ((frame.flags & Flag.endHeaders) === 0) return undefined;
    const block = Buffer.concat(this.#fragments);
    this.#fragments = [];
    this.#bytes = 0;
    this.#streamId = 0;
    return this.#decode(frame.streamId, block, 0, block.length);
  }

  #keep({ buffer, start, end }: Frame): void {
    this.#bytes += end - start;
    if (this.#fragments.length > this.#limits.maxContinuations || this.#bytes > this.#limits.maxHeaderBlockBytes) {
      throw enhanceYourCalm('a header block is too long');
    }
    this.#fragments.push(Buffer.from(buffer.subarray(start, end)));
  }

  // oxlint-disable-next-line max-params -- where the bytes are needs three
  #decode(streamId: number, buffer: Buffer, start: number, end: number): HeaderBlock {
    const { fields, isTooLarge } = this.#decoder.decode(buffer, start, end);
    const isLast = (this.#flags & Flag.endStream) !== 0;
    return { fields, isTooLarge, streamId, isLast };
  }
}
