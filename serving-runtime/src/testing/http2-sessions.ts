/** What one side of HTTP/2 may say in a session, in every way that is right and that fast-check finds to write it, or nearly so. */
import { array, boolean, constant, constantFrom, integer, nat, oneof, record, string, tuple } from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { Flag, FrameType, SettingId } from '../transport/http2/frames.ts';
import type { HeaderField } from '../transport/http2/header-field.ts';
import { HpackEncoder } from '../transport/http2/hpack-encoder.ts';
import { OutputBuffer } from '../transport/http2/output-buffer.ts';
import { frame, settingsFrame, uint32 } from './raw-http2.ts';
import type { RawPeer } from './raw-http2.ts';

export interface Message {
  readonly fields: readonly HeaderField[];
  /** Lengths of DATA frames and of their padding; none: the head is all. */
  readonly body: readonly (readonly [bytes: number, padding: number])[];
  readonly hasTrailers: boolean;
  readonly hasPriority: boolean;
  /** Where the header block is cut into CONTINUATION frames. */
  readonly cut: number;
}

const value = string({ unit: constantFrom('a', 'B', '1', '-', ';', '=', 'é', '"'), maxLength: 40 });
const field = record({
  name: constantFrom('x-a', 'x-b', 'user-agent', 'x-token', 'accept', 'x-long-name-that-is-new'),
  value,
});
const message: Arbitrary<Message> = record({
  fields: array(field, { maxLength: 6 }).map((fields) => [...new Map(fields.map((one) => [one.name, one])).values()]),
  body: array(tuple(oneof(nat(200), integer({ min: 15_000, max: 16_000 })), nat(255)), { maxLength: 5 }),
  hasTrailers: boolean(),
  hasPriority: boolean(),
  cut: nat(30),
});
/** What stands between the frames of messages. */
const between = oneof(
  constant(frame(FrameType.ping, 0, 0, Buffer.alloc(8, 7))),
  constant(frame(FrameType.priority, 0, 9, Buffer.from([0, 0, 0, 0, 16]))),
  constant(frame(0xbe, 0xff, 0, Buffer.from('unknown'))),
  constant(settingsFrame([SettingId.headerTableSize, 0], [SettingId.headerTableSize, 100])),
  constant(settingsFrame([SettingId.headerTableSize, 4096])),
  integer({ min: 0, max: 100_000 }).map((size) => settingsFrame([SettingId.initialWindowSize, size])),
  integer({ min: 1, max: 1000 }).map((bytes) => frame(FrameType.windowUpdate, 0, 0, uint32(bytes))),
);
export const session = record({
  messages: array(message, { minLength: 1, maxLength: 6 }),
  between: array(between, { maxLength: 8 }),
  /** Whose frame comes next. */
  order: array(nat(), { minLength: 1, maxLength: 40 }),
  /** Where the bytes are cut into writes. */
  cuts: array(nat(), { maxLength: 12 }),
});
export type Session = typeof session extends Arbitrary<infer T> ? T : never;

interface Head {
  readonly streamId: number;
  /** Pseudo-fields of the head. */
  readonly pseudo: readonly HeaderField[];
}

function framesOf(
  { fields, body, hasTrailers, hasPriority, cut }: Message,
  { streamId, pseudo }: Head,
  encoder: HpackEncoder,
): (() => Buffer)[] {
  const encode = (section: readonly HeaderField[]) => {
    const output = new OutputBuffer();
    encoder.encode(section, output);
    return output.take();
  };
  const isOnlyHead = body.length === 0 && !hasTrailers;
  const head = () => {
    const block = encode([...pseudo, ...fields]);
    const priority = hasPriority ? Buffer.from([0x80, 0, 0, 0, 200]) : Buffer.alloc(0);
    const flags = (isOnlyHead ? Flag.endStream : 0) | (hasPriority ? Flag.priority : 0);
    const first = Buffer.concat([priority, block.subarray(0, cut)]);
    if (cut >= block.length) return frame(FrameType.headers, flags | Flag.endHeaders, streamId, first);
    return Buffer.concat([
      frame(FrameType.headers, flags, streamId, first),
      frame(FrameType.continuation, Flag.endHeaders, streamId, block.subarray(cut)),
    ]);
  };
  const data = body.map(([bytes, padding], index) => () => {
    const isLast = !hasTrailers && index === body.length - 1;
    const payload = Buffer.concat([Buffer.of(padding), Buffer.alloc(bytes, 'b'), Buffer.alloc(padding)]);
    return frame(FrameType.data, Flag.padded | (isLast ? Flag.endStream : 0), streamId, payload);
  });
  const trailers = () =>
    frame(FrameType.headers, Flag.endHeaders | Flag.endStream, streamId, encode([{ name: 'x-sum', value: 'ab' }]));
  return [head, ...data, ...(hasTrailers ? [trailers] : [])];
}

/** All bytes of one side. Heads come in the order of their streams, as those of requests must; all else as `order` has it. */
export function sessionBytes(
  { messages, between: others, order }: Session,
  opening: readonly Buffer[],
  headOf: (streamId: number) => readonly HeaderField[],
): Buffer {
  const encoder = new HpackEncoder();
  const waiting = messages.map((one, index) => {
    const streamId = 2 * index + 1;
    return framesOf(one, { streamId, pseudo: headOf(streamId) }, encoder);
  });
  let open: (() => Buffer)[][] = [];
  const rest = [...others];
  const parts = [...opening];
  for (let step = 0; waiting.length + open.length > 0; step += 1) {
    const choice = (order[step % order.length] ?? 0) % (open.length + 2);
    const other = choice === 0 ? rest.shift() : undefined;
    if (other !== undefined) parts.push(other);
    const opened = choice <= 1 || open.length === 0 ? waiting.shift() : undefined;
    if (opened !== undefined) open.push(opened);
    const next = (opened ?? open[step % open.length])?.shift();
    if (next !== undefined) parts.push(next());
    open = open.filter((frames) => frames.length > 0);
  }
  // Whatever the windows became in between: in the end they are wide enough.
  return Buffer.concat([...parts, ...rest, settingsFrame([SettingId.initialWindowSize, 1_000_000])]);
}

export const change = record({ at: nat(), byte: nat(255), kind: constantFrom('replace', 'insert', 'remove') });
type Change = typeof change extends Arbitrary<infer T> ? T : never;

/** `from`: what stands before it stays. */
export function changed(bytes: Buffer, from: number, changes: readonly Change[]): Buffer {
  const all = [...bytes];
  for (const { at, byte, kind } of changes) {
    const place = from + (at % (all.length - from));
    all.splice(place, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [byte]));
  }
  return Buffer.from(all);
}

/** Sends the bytes in pieces that are cut there. */
export async function sendInPieces(peer: RawPeer, bytes: Buffer, cuts: readonly number[]): Promise<void> {
  const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
  for (let index = 1; index < places.length; index += 1) {
    peer.send(bytes.subarray(places[index - 1], places[index]));
    if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
