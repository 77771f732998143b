/**
 * The same bytes to our HTTP/2 and to Node's, and the same answers out: sessions that are right in every way that fast-check
 * finds to write them, and the same with bytes changed. fast-check prints the seed of what fails.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  array,
  assert,
  asyncProperty,
  boolean,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  record,
  string,
  tuple,
} from 'fast-check';
import type { Arbitrary } from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { frame, PREFACE, rawClient, settingsFrame, uint32 } from '../../testing/raw-http2.ts';
import type { RawClient } from '../../testing/raw-http2.ts';
import type { Http2Listener, RequestListener } from './exchange.ts';
import { Flag, FrameType, SettingId } from './frames.ts';
import type { HeaderField } from './header-field.ts';
import { HpackEncoder } from './hpack-encoder.ts';
import { createNodeListener } from './node-listener.ts';
import { OutputBuffer } from './output-buffer.ts';
import { createOwnListener } from './own-listener.ts';

const RUNS = 150;

/** Answers with what it got: the head as text, then the body, then its length in a trailer. */
const mirror: RequestListener = (exchange) => {
  const { method, path, fields } = exchange.request;
  const body: Buffer[] = [];
  return {
    data: (chunk) => {
      body.push(Buffer.from(chunk));
      exchange.consumed(chunk.length);
    },
    end: () => {
      const all = Buffer.concat(body);
      exchange.respond([
        { name: ':status', value: '200' },
        { name: 'x-method', value: method },
        { name: 'x-path', value: path },
      ]);
      exchange.write(Buffer.from(fields.map(({ name, value }) => `${name}: ${value}\n`).join('')));
      exchange.write(all);
      exchange.end([{ name: 'x-length', value: String(all.length) }]);
    },
    aborted: () => exchange.end(),
    drained: () => {},
  };
};

const kinds: { listener: Http2Listener; server: Server; port: number }[] = [];
beforeAll(async () => {
  const generous = { burst: 1e9, perSecond: 0 };
  const limits = { resets: generous, resetsOfAddress: generous, idleFrames: generous };
  for (const listener of [createOwnListener(mirror, { limits }), createNodeListener(mirror)]) {
    const server = createServer({ noDelay: true }, listener.take);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    kinds.push({ listener, server, port: (server.address() as AddressInfo).port });
  }
});
afterAll(() => {
  for (const { listener, server } of kinds) {
    listener.close();
    server.close();
  }
});

// ---- sessions

interface Request {
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
const request: Arbitrary<Request> = record({
  fields: array(field, { maxLength: 6 }).map((fields) => [...new Map(fields.map((one) => [one.name, one])).values()]),
  body: array(tuple(oneof(nat(200), integer({ min: 15_000, max: 16_000 })), nat(255)), { maxLength: 5 }),
  hasTrailers: boolean(),
  hasPriority: boolean(),
  cut: nat(30),
});
/** What stands between the frames of requests. */
const between = oneof(
  constant(frame(FrameType.ping, 0, 0, Buffer.alloc(8, 7))),
  constant(frame(FrameType.priority, 0, 9, Buffer.from([0, 0, 0, 0, 16]))),
  constant(frame(0xbe, 0xff, 0, Buffer.from('unknown'))),
  constant(settingsFrame([SettingId.headerTableSize, 0], [SettingId.headerTableSize, 100])),
  constant(settingsFrame([SettingId.headerTableSize, 4096])),
  integer({ min: 0, max: 100_000 }).map((size) => settingsFrame([SettingId.initialWindowSize, size])),
  integer({ min: 1, max: 1000 }).map((bytes) => frame(FrameType.windowUpdate, 0, 0, uint32(bytes))),
);
const session = record({
  requests: array(request, { minLength: 1, maxLength: 6 }),
  between: array(between, { maxLength: 8 }),
  /** Whose frame comes next. */
  order: array(nat(), { minLength: 1, maxLength: 40 }),
  /** Where the bytes are cut into writes. */
  cuts: array(nat(), { maxLength: 12 }),
});
type Session = typeof session extends Arbitrary<infer T> ? T : never;

function framesOf(
  { fields, body, hasTrailers, hasPriority, cut }: Request,
  streamId: number,
  encoder: HpackEncoder,
): (() => Buffer)[] {
  const encode = (section: readonly HeaderField[]) => {
    const output = new OutputBuffer();
    encoder.encode(section, output);
    return output.take();
  };
  const isOnlyHead = body.length === 0 && !hasTrailers;
  const head = () => {
    const block = encode([
      { name: ':method', value: 'POST' },
      { name: ':scheme', value: 'http' },
      { name: ':path', value: `/${streamId}` },
      { name: ':authority', value: 'test' },
      ...fields,
    ]);
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

/** All bytes of the client. Heads come in the order of their streams, as they must; all else as `order` has it. */
function bytesOf({ requests, between: others, order }: Session): Buffer {
  const encoder = new HpackEncoder();
  const waiting = requests.map((one, index) => framesOf(one, 2 * index + 1, encoder));
  let open: (() => Buffer)[][] = [];
  const rest = [...others];
  const parts = [
    PREFACE,
    settingsFrame([SettingId.initialWindowSize, 1_000_000]),
    frame(FrameType.windowUpdate, 0, 0, uint32(1e9)),
  ];
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

// ---- what comes back

interface Seen {
  readonly heads: readonly unknown[];
  readonly body: string;
  readonly isComplete: boolean;
  readonly reset: number | undefined;
}

function seenOf({ frames }: RawClient, streamId: number): Seen {
  const mine = frames.filter((one) => one.streamId === streamId);
  const reset = mine.find(({ type }) => type === FrameType.rstStream);
  const heads = mine
    .filter(({ type }) => type === FrameType.headers)
    .map(({ fields }) => {
      const { date: _date, ...others } = fields ?? {};
      return others;
    });
  return {
    heads,
    body: Buffer.concat(mine.filter(({ type }) => type === FrameType.data).map(({ payload }) => payload)).toString(
      'latin1',
    ),
    isComplete: mine.some(({ type, flags }) => type <= FrameType.headers && (flags & Flag.endStream) !== 0),
    reset: reset?.payload.readUInt32BE(),
  };
}

const MARK = Buffer.from('the end!');

/** Sends the bytes in pieces, and waits until everything before a last PING was taken in and answered, or the connection ended. */
async function exchangeBytes(
  port: number,
  bytes: Buffer,
  cuts: readonly number[],
  streams: number,
): Promise<RawClient> {
  const client = await rawClient(port, []);
  const places = [0, ...cuts.map((cut) => cut % bytes.length).toSorted((a, b) => a - b), bytes.length];
  for (let index = 1; index < places.length; index += 1) {
    client.send(bytes.subarray(places[index - 1], places[index]));
    if (index % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  client.send(frame(FrameType.ping, 0, 0, MARK));
  const isAnswered = () =>
    Array.from({ length: streams }, (_, index) => seenOf(client, 2 * index + 1)).every(
      ({ isComplete, reset }) => isComplete || reset !== undefined,
    );
  const isOver = () => client.isClosed() || client.frames.some(({ type }) => type === FrameType.goaway);
  const isTakenIn = () => client.frames.some(({ type, payload }) => type === FrameType.ping && payload.equals(MARK));
  // Where bytes were changed, a frame may have become so long that the server waits for the rest of it.
  const patience = Date.now() + (streams === 0 ? 60 : 5_000);
  while (!isOver() && !(isTakenIn() && isAnswered()) && Date.now() < patience) await sleep(1);
  client.socket.destroy();
  return client;
}

async function exchangeWithBoth(bytes: Buffer, cuts: readonly number[], streams: number): Promise<RawClient[]> {
  return Promise.all(kinds.map(({ port }) => exchangeBytes(port, bytes, cuts, streams)));
}

describe('our HTTP/2 and that of Node', () => {
  it('answer a session that is right in the same way', { timeout: 120_000 }, async () => {
    await assert(
      asyncProperty(session, async (one) => {
        const bytes = bytesOf(one);
        const clients = await exchangeWithBoth(bytes, one.cuts, one.requests.length);
        one.requests.forEach((_, index) => {
          const [own, node] = clients.map((client) => seenOf(client, 2 * index + 1));
          expect(own).toEqual(node);
          expect(own).toMatchObject({ isComplete: true, reset: undefined });
        });
      }),
      { numRuns: RUNS },
    );
  });

  it('never disagree about an answer where bytes were changed, and live', { timeout: 120_000 }, async () => {
    const change = record({ at: nat(), byte: nat(255), kind: constantFrom('replace', 'insert', 'remove') });
    await assert(
      asyncProperty(session, array(change, { minLength: 1, maxLength: 3 }), async (one, changes) => {
        const bytes = [...bytesOf(one)];
        for (const { at, byte, kind } of changes) {
          const place = PREFACE.length + (at % (bytes.length - PREFACE.length));
          bytes.splice(place, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [byte]));
        }
        const clients = await exchangeWithBoth(Buffer.from(bytes), one.cuts, 0);
        one.requests.forEach((_, index) => {
          const [own, node] = clients.map((client) => seenOf(client, 2 * index + 1));
          if (own?.isComplete === true && node?.isComplete === true) expect(own).toEqual(node);
        });
      }),
      { numRuns: RUNS },
    );
  });
});
