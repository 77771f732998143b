/** What a pod may do to a connection, and what of that its requests see. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { ErrorCode } from '@slipway/serving-runtime/transport/http2/errors';
import type { Exchange, RequestListener } from '@slipway/serving-runtime/transport/http2/exchange';
import { Flag, FrameType, MAX_WINDOW, SettingId } from '@slipway/serving-runtime/transport/http2/frames';
import { HTTP2_LIMITS } from '@slipway/serving-runtime/transport/http2/limits';
import { createNodeListener } from '@slipway/serving-runtime/transport/http2/node-listener';
import { createOwnListener } from '@slipway/serving-runtime/transport/http2/own-listener';
import { frame, rawServer, settingsFrame, uint32 } from '@slipway/serving-runtime/testing/raw-http2';
import type { RawPeer, RawServer } from '@slipway/serving-runtime/testing/raw-http2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from '../../testing/asked.ts';
import type { Asked, Asking } from '../../testing/asked.ts';
import { eventually, freePorts } from '../../testing/running-gateway.ts';
import { createHttp2Upstream } from './http2.ts';
import type { Http2UpstreamOptions } from './http2.ts';
import type { Upstream } from './upstream.ts';

const { endHeaders, endStream } = Flag;
const OK = { ':status': '200' };
const STATUS = { 'grpc-status': '0' };
/** 19 KiB, which HPACK makes small enough for one frame. */
const MANY_FIELDS = Object.fromEntries([
  [':status', '200'],
  ...['a', 'b', 'c', 'd', 'e'].map((name) => [name, 'a'.repeat(3900)] as const),
]);
const GENEROUS = { burst: 1e9, perSecond: 0 };

const faults: unknown[] = [];
let upstream: Upstream;
let pod: RawServer | undefined;

function useUpstream(options: Partial<Http2UpstreamOptions> = {}): void {
  upstream = createHttp2Upstream({ onFault: (cause) => faults.push(cause), ...options });
}

beforeEach(() => useUpstream());

afterEach(() => {
  upstream.close();
  pod?.stop();
  pod = undefined;
  expect(faults.splice(0)).toEqual([]);
});

async function startPod(...settings: readonly (readonly [id: number, value: number])[]): Promise<RawServer> {
  pod = await rawServer([settingsFrame(...settings)]);
  return pod;
}

/** The pod's side of the connection that was opened at that place. */
async function connection({ connections }: RawServer, place = 0): Promise<RawPeer> {
  await eventually(() => connections.length).toBeGreaterThan(place);
  return connections[place] as RawPeer;
}

const endOf = (one: Asked) => eventually(() => one.end);
const begin = (peer: RawPeer, streamId: number, fields: Readonly<Record<string, string>> = OK) =>
  peer.headers(streamId, fields, endHeaders);
const data = (streamId: number, bytes: number, flags = 0) =>
  frame(FrameType.data, flags, streamId, Buffer.alloc(bytes, 'x'));
const windowUpdate = (streamId: number, bytes: number) => frame(FrameType.windowUpdate, 0, streamId, uint32(bytes));
const reset = (streamId: number, code: number) => frame(FrameType.rstStream, 0, streamId, uint32(code));
const goaway = (last: number, code = 0) => frame(FrameType.goaway, 0, 0, Buffer.concat([uint32(last), uint32(code)]));
const ping = (text: string) => frame(FrameType.ping, 0, 0, Buffer.from(text));
const times = (count: number, make: () => Uint8Array) => Array.from({ length: count }, make);
const bytesOf = ({ frames }: RawPeer, streamId: number) =>
  frames
    .filter((seen) => seen.type === FrameType.data && seen.streamId === streamId)
    .reduce((sum, { payload }) => sum + payload.length, 0);
const streamsOf = ({ frames }: RawPeer) =>
  frames.filter(({ type }) => type === FrameType.headers).map(({ streamId }) => streamId);

/** A pod whose first connection is open, with one request on it. */
async function asked(more: Partial<Asking> = {}) {
  const server = pod ?? (await startPod());
  const one = ask(upstream, { port: server.port, bytes: Buffer.from('hello'), ...more });
  const peer = await connection(server);
  const { streamId } = await peer.frame(({ type }) => type === FrameType.headers);
  return { one, peer, streamId, port: server.port };
}

// ---- servers that are right

/** Answers with what it got: the head as fields, then the body as often as the path says, then its length in a trailer. */
const mirror: RequestListener = (exchange) => {
  const body: Buffer[] = [];
  return {
    data: (chunk) => {
      body.push(Buffer.from(chunk));
      exchange.consumed(chunk.length);
    },
    end: () => answer(exchange, Buffer.concat(body)),
    aborted: () => exchange.end(),
    drained: () => {},
  };
};

function answer(exchange: Exchange, body: Buffer): void {
  const { method, path, authority = '', fields } = exchange.request;
  const custom = fields.filter(({ name }) => name.startsWith('x-'));
  const head = [
    { name: ':status', value: '200' },
    { name: 'x-asked', value: `${method} ${authority}${path}` },
    ...custom,
  ];
  exchange.respond(head);
  const repeated = Number(/\d+$/.exec(path)?.[0] ?? 1);
  for (let count = 0; count < repeated; count += 1) exchange.write(body);
  exchange.end([{ name: 'x-length', value: String(body.length) }]);
}

const generous = { resets: GENEROUS, resetsOfAddress: GENEROUS };

describe.each([
  ['our own', (listener: RequestListener) => createOwnListener(listener, { limits: generous })],
  ['that of Node', createNodeListener],
])('with a server that is %s', (_, create) => {
  const stops: (() => void)[] = [];
  afterEach(() => stops.splice(0).forEach((stop) => stop()));

  async function serve(listener: RequestListener): Promise<number> {
    const served = create(listener);
    const server = createServer({ noDelay: true }, served.take);
    stops.push(() => {
      served.close();
      server.close();
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  it('a request and its answer arrive whole', async () => {
    const port = await serve(mirror);
    const fields = [
      { name: 'x-a', value: 'é"' },
      { name: 'x-b', value: 'b'.repeat(5000) },
    ];

    const one = ask(upstream, { port, fields, bytes: Buffer.from('hello') });

    await endOf(one).toBe('ended');
    expect(one.head).toMatchObject({ status: 200, isLast: false });
    expect(one.head?.fields).toEqual(
      expect.arrayContaining([{ name: 'x-asked', value: 'POST flights/a.B/C' }, ...fields]),
    );
    expect([one.body.toString(), one.trailers]).toEqual(['hello', { 'x-length': '5' }]);
  });

  it('one without a body, too', async () => {
    const one = ask(upstream, { port: await serve(mirror), method: 'GET', body: 'none' });
    one.call.end();

    await endOf(one).toBe('ended');
    expect([one.body.length, one.trailers]).toEqual([0, { 'x-length': '0' }]);
  });

  it('megabytes go both ways, on many streams at once', async () => {
    const port = await serve(mirror);
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (__, index) => index % 251));

    const all = Array.from({ length: 8 }, () => ask(upstream, { port, bytes, path: '/2' }));

    for (const one of all) await endOf(one).toBe('ended');
    for (const one of all) expect(one.body.equals(Buffer.concat([bytes, bytes]))).toBe(true);
  });

  it('a thousand requests share few connections', async () => {
    const port = await serve(mirror);
    let answered = 0;
    const next = async (count: number) => {
      for (let index = 0; index < count; index += 1) {
        const one = ask(upstream, { port, bytes: Buffer.from(`${index}`) });
        await endOf(one).toBe('ended');
        expect(one.body.toString()).toBe(`${index}`);
        answered += 1;
      }
    };
    await Promise.all(Array.from({ length: 50 }, () => next(20)));

    expect(answered).toBe(1000);
  });

  it('a server is held back by who pauses, and goes on when that is over', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const port = await serve((exchange) => {
      const write = () => {
        do sent += chunk.length;
        while (exchange.write(chunk) && sent < 32 * 1024 * 1024);
        if (sent >= 32 * 1024 * 1024) exchange.end();
      };
      exchange.respond([{ name: ':status', value: '200' }]);
      write();
      return { data: () => {}, end: () => {}, aborted: () => exchange.end(), drained: write };
    });
    const slow = ask(upstream, { port, bytes: Buffer.from('a') });
    slow.call.pause();
    await eventually(() => slow.body.length).toBe(HTTP2_LIMITS.streamWindowBytes);

    // Others on the same connection go on, whoever pauses.
    const other = ask(upstream, { port, bytes: Buffer.from('a') });
    await eventually(() => other.body.length).toBeGreaterThan(4 * HTTP2_LIMITS.connectionWindowBytes);
    expect([slow.end, slow.body.length]).toEqual([undefined, HTTP2_LIMITS.streamWindowBytes]);
    other.call.cancel();
    slow.call.resume();

    await endOf(slow).toBe('ended');
  });

  it('who is held back is told, and again when there is room', async () => {
    let take = () => {};
    const port = await serve((exchange) => {
      let held = 0;
      let isTaking = false;
      take = () => {
        isTaking = true;
        exchange.consumed(held);
      };
      return {
        data: (chunk) => (isTaking ? exchange.consumed(chunk.length) : (held += chunk.length)),
        end: () => answer(exchange, Buffer.alloc(0)),
        aborted: () => exchange.end(),
        drained: () => {},
      };
    });
    const one = ask(upstream, { port });
    const chunk = Buffer.alloc(64 * 1024);
    let written = chunk.length;
    while (one.call.write(chunk)) written += chunk.length;
    expect(written).toBeLessThan(HTTP2_LIMITS.streamWindowBytes);
    const isHeld = async () => {
      while (one.call.write(chunk)) await new Promise((resolve) => setImmediate(resolve));
    };
    await eventually(() => one.drained).toBeGreaterThan(0);
    await isHeld();
    const before = one.drained;
    take();
    await eventually(() => one.drained).toBeGreaterThan(before);
    one.call.end();

    await endOf(one).toBe('ended');
  });

  it('a request that is given up is so at the server', async () => {
    let gone = 0;
    const port = await serve((exchange) => {
      exchange.respond([{ name: ':status', value: '200' }]);
      return { data: () => {}, end: () => {}, drained: () => {}, aborted: () => (exchange.end(), (gone += 1)) };
    });
    const one = ask(upstream, { port, bytes: Buffer.from('a') });
    await eventually(() => one.head?.status).toBe(200);

    one.call.cancel();

    await eventually(() => gone).toBe(1);
    expect(one.end).toBeUndefined();
  });
});

// ---- what servers say, frame by frame

describe('an answer', () => {
  it('may be a head alone', async () => {
    const { one, peer, streamId } = await asked();
    peer.send(peer.headers(streamId, { ...OK, ...STATUS }));

    await endOf(one).toBe('ended');
    expect(one.head).toEqual({ status: 200, fields: [{ name: 'grpc-status', value: '0' }], isLast: true });
  });

  it('may come a byte at a time, with padding, a priority, heads before it, and in CONTINUATION', async () => {
    const { one, peer, streamId } = await asked();
    const block = begin(peer, streamId).subarray(9);
    const bytes = Buffer.concat([
      begin(peer, streamId, { ':status': '100' }),
      begin(peer, streamId, { ':status': '103', link: '</a>' }),
      frame(FrameType.headers, Flag.priority, streamId, Buffer.from([0, 0, 0, 0, 16])),
      frame(FrameType.continuation, 0, streamId, block.subarray(0, 1)),
      frame(FrameType.continuation, endHeaders, streamId, block.subarray(1)),
      frame(FrameType.data, Flag.padded, streamId, Buffer.from([2, 104, 105, 0, 0])),
      peer.headers(streamId, STATUS),
    ]);
    for (const byte of bytes) peer.socket.write(Buffer.of(byte));

    await endOf(one).toBe('ended');
    expect([one.head?.status, one.body.toString(), one.trailers]).toEqual([200, 'hi', STATUS]);
  });

  it('to HEAD has a length and no body', async () => {
    const { one, peer, streamId } = await asked({ method: 'HEAD' });
    peer.send(peer.headers(streamId, { ...OK, 'content-length': '9' }));

    await endOf(one).toBe('ended');
  });

  it('that is complete before its request is ends that, too', async () => {
    const { one, peer, streamId } = await asked({ bytes: undefined as never });
    one.call.write(Buffer.from('some'));
    peer.send(peer.headers(streamId, { ...OK, ...STATUS }));

    await endOf(one).toBe('ended');
    expect(await peer.resetOf(streamId)).toBe(ErrorCode.noError);
    one.call.write(Buffer.from('more'));
    one.call.end();
  });

  it.each<[string, (peer: RawPeer, streamId: number) => readonly Uint8Array[], number]>([
    ['without a status', (peer, id) => [begin(peer, id, { 'x-a': '1' })], ErrorCode.protocolError],
    ['with a status that is none', (peer, id) => [begin(peer, id, { ':status': '20' })], ErrorCode.protocolError],
    [
      'that changes to another protocol',
      (peer, id) => [begin(peer, id, { ':status': '101' })],
      ErrorCode.protocolError,
    ],
    ['that is only a head before it', (peer, id) => [peer.headers(id, { ':status': '100' })], ErrorCode.protocolError],
    ['with a field of HTTP/1.1', (peer, id) => [begin(peer, id, { ...OK, connection: 'a' })], ErrorCode.protocolError],
    ['with a name in capitals', (peer, id) => [begin(peer, id, { ...OK, 'X-A': 'a' })], ErrorCode.protocolError],
    [
      'with a line break in a value',
      (peer, id) => [begin(peer, id, { ...OK, 'x-a': 'a\r\nb' })],
      ErrorCode.protocolError,
    ],
    ['with two heads', (peer, id) => [begin(peer, id), begin(peer, id)], ErrorCode.protocolError],
    [
      'with a status among its trailers',
      (peer, id) => [begin(peer, id), peer.headers(id, OK)],
      ErrorCode.protocolError,
    ],
    ['with a body before its head', (_, id) => [data(id, 1)], ErrorCode.protocolError],
    [
      'with a body that is longer than it says',
      (peer, id) => [begin(peer, id, { ...OK, 'content-length': '4' }), data(id, 5)],
      ErrorCode.protocolError,
    ],
    [
      'with a body that is shorter than it says',
      (peer, id) => [begin(peer, id, { ...OK, 'content-length': '4' }), data(id, 3, endStream)],
      ErrorCode.protocolError,
    ],
    ['with two lengths', (peer, id) => [begin(peer, id, { ...OK, 'content-length': '4, 5' })], ErrorCode.protocolError],
    ['with more fields than it may have', (peer, id) => [begin(peer, id, MANY_FIELDS)], ErrorCode.enhanceYourCalm],
    ['with a window that overflows', (_, id) => [windowUpdate(id, MAX_WINDOW)], ErrorCode.flowControlError],
    ['with a window that grows by nothing', (_, id) => [windowUpdate(id, 0)], ErrorCode.protocolError],
  ])('%s: broken, and its connection goes on', async (_, frames, code) => {
    const { one, peer, streamId, port } = await asked();
    peer.send(...frames(peer, streamId));

    await endOf(one).toBe('broken');
    expect(await peer.resetOf(streamId)).toBe(code);
    const next = ask(upstream, { port, bytes: Buffer.from('a') });
    await peer.head(streamId + 2);
    // Also what belongs to the stream that is over may still come, and HPACK is in step.
    peer.send(begin(peer, streamId), data(streamId, 10), peer.headers(streamId + 2, { ...OK, 'x-a': 'b' }));
    await endOf(next).toBe('ended');
    expect(next.head?.fields).toEqual([{ name: 'x-a', value: 'b' }]);
  });

  it.each([
    ['REFUSED_STREAM', ErrorCode.refusedStream, 'refused'],
    ['INTERNAL_ERROR', ErrorCode.internalError, 'broken'],
    ['NO_ERROR', ErrorCode.noError, 'broken'],
  ])('that does not come, but a reset with %s', async (_, code, end) => {
    const { one, peer, streamId } = await asked();
    peer.send(reset(streamId, code));

    await endOf(one).toBe(end);
  });

  it('that has begun is broken, whatever the reset says', async () => {
    const { one, peer, streamId } = await asked();
    peer.send(begin(peer, streamId), reset(streamId, ErrorCode.refusedStream));

    await endOf(one).toBe('broken');
  });

  it('a bomb of HPACK is counted by what it unpacks to', async () => {
    const { one, peer, streamId, port } = await asked();
    peer.send(peer.headers(streamId, { ...OK, 'x-large': 'y'.repeat(3900) }));
    await endOf(one).toBe('ended');
    const next = ask(upstream, { port, bytes: Buffer.from('a') });
    await peer.head(streamId + 2);
    // A thousand times the field of 4 KiB, a byte each.
    const bomb = Buffer.concat([Buffer.of(0x88), Buffer.alloc(1000, 0xbe)]);
    peer.send(frame(FrameType.headers, endHeaders | endStream, streamId + 2, bomb));

    await endOf(next).toBe('broken');
    expect(next.head).toBeUndefined();
  });
});

describe('what ends a connection, and no other', () => {
  const IDLE = { limits: { ...HTTP2_LIMITS, idleFrames: { burst: 20, perSecond: 0 } } };
  const SMALL = { limits: { ...HTTP2_LIMITS, streamWindowBytes: 70_000, connectionWindowBytes: 70_000 } };
  type Attack = (peer: RawPeer, streamId: number) => readonly Uint8Array[];

  it.each<[string, number, Attack, Partial<Http2UpstreamOptions>?]>([
    ['PUSH_PROMISE', ErrorCode.protocolError, (_, id) => [frame(FrameType.pushPromise, endHeaders, id, uint32(2))]],
    ['SETTINGS that ask for pushes', ErrorCode.protocolError, () => [settingsFrame([SettingId.enablePush, 1])]],
    ['a frame that is too long', ErrorCode.frameSizeError, (_, id) => [data(id, 16_385)]],
    ['half a setting', ErrorCode.frameSizeError, () => [frame(FrameType.settings, 0, 0, Buffer.alloc(5))]],
    ['half a GOAWAY', ErrorCode.frameSizeError, () => [frame(FrameType.goaway, 0, 0, Buffer.alloc(5))]],
    ['HEADERS of a stream that we did not open', ErrorCode.protocolError, (peer, id) => [begin(peer, id + 2)]],
    ['HEADERS of a stream of its own', ErrorCode.protocolError, (peer) => [begin(peer, 2)]],
    ['DATA of a stream that we did not open', ErrorCode.protocolError, (_, id) => [data(id + 2, 1)]],
    ['a reset of one', ErrorCode.protocolError, (_, id) => [reset(id + 2, 0)]],
    ['a window of one', ErrorCode.protocolError, (_, id) => [windowUpdate(id + 2, 1)]],
    ['a window that overflows', ErrorCode.flowControlError, () => [windowUpdate(0, MAX_WINDOW)]],
    [
      'windows that become too large',
      ErrorCode.flowControlError,
      (_, id) => [windowUpdate(id, 100_000), settingsFrame([SettingId.initialWindowSize, MAX_WINDOW])],
    ],
    ['a window that grows by nothing', ErrorCode.protocolError, () => [windowUpdate(0, 0)]],
    [
      'bytes that are no HPACK',
      ErrorCode.compressionError,
      (_, id) => [frame(FrameType.headers, endHeaders, id, Buffer.of(0xff))],
    ],
    [
      'a frame within a header block',
      ErrorCode.protocolError,
      (_, id) => [frame(FrameType.headers, 0, id, Buffer.of(0x88)), ping('8 bytes.')],
    ],
    [
      'CONTINUATION without end',
      ErrorCode.enhanceYourCalm,
      (_, id) => [
        frame(FrameType.headers, 0, id, Buffer.of(0x88)),
        ...times(9, () => frame(FrameType.continuation, 0, id, Buffer.of(0x88))),
      ],
    ],
    [
      'a header block without end',
      ErrorCode.enhanceYourCalm,
      (_, id) => [
        frame(FrameType.headers, 0, id),
        ...times(3, () => frame(FrameType.continuation, 0, id, Buffer.alloc(16_384))),
      ],
    ],
    ['PING without end', ErrorCode.enhanceYourCalm, () => times(21, () => ping('8 bytes.')), IDLE],
    ['SETTINGS without end', ErrorCode.enhanceYourCalm, () => times(21, () => settingsFrame()), IDLE],
    [
      'heads before the answer without end',
      ErrorCode.enhanceYourCalm,
      (peer, id) => times(21, () => begin(peer, id, { ':status': '100' })),
      IDLE,
    ],
    [
      'empty DATA without end',
      ErrorCode.enhanceYourCalm,
      (peer, id) => [begin(peer, id), ...times(21, () => data(id, 0))],
      IDLE,
    ],
    ['frames of unknown types without end', ErrorCode.enhanceYourCalm, () => times(21, () => frame(0x77, 0, 0)), IDLE],
    [
      'DATA without end after the answer',
      ErrorCode.enhanceYourCalm,
      (_, id) => [reset(id, 0), ...times(40, () => data(id, 1))],
      IDLE,
    ],
  ])('%s', async (_, code, attack, options) => {
    useUpstream(options);
    const { one, peer, streamId, port } = await asked();
    peer.send(...attack(peer, streamId));

    await endOf(one).toBe('broken');
    expect(await peer.goaway()).toBe(code);
    await peer.closed;
    const next = ask(upstream, { port, bytes: Buffer.from('a') });
    const other = await connection(pod as RawServer, 1);
    await other.head(1);
    other.send(other.headers(1, { ...OK, ...STATUS }));
    await endOf(next).toBe('ended');
  });

  it('more DATA than a stream may have costs that stream', async () => {
    useUpstream(SMALL);
    const { one, peer, streamId } = await asked();
    one.call.pause();
    peer.send(begin(peer, streamId), ...times(5, () => data(streamId, 16_384)));

    await endOf(one).toBe('broken');
    expect(await peer.resetOf(streamId)).toBe(ErrorCode.flowControlError);
    expect(peer.isClosed()).toBe(false);
  });

  it.each<[string, readonly Uint8Array[], number]>([
    ['HTTP/1.1', [Buffer.from('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')], ErrorCode.frameSizeError],
    ['another frame before SETTINGS', [ping('8 bytes.')], ErrorCode.protocolError],
    ['an acknowledgement before SETTINGS', [frame(FrameType.settings, Flag.ack, 0)], ErrorCode.protocolError],
  ])('%s instead of HTTP/2', async (_, opening, code) => {
    pod = await rawServer(opening);
    const one = ask(upstream, { port: pod.port, bytes: Buffer.from('a') });
    const peer = await connection(pod);

    await endOf(one).toBe('broken');
    expect(await peer.goaway()).toBe(code);
    await peer.closed;
  });

  it('a pod that dies breaks all that it had, once', async () => {
    const { one, peer, streamId, port } = await asked();
    const others = times(3, () => Buffer.from('a')).map((bytes) => ask(upstream, { port, bytes }));
    await peer.head(streamId + 6);
    peer.send(begin(peer, streamId + 2), data(streamId + 2, 5));
    await eventually(() => others[0]?.body.length).toBe(5);

    peer.socket.resetAndDestroy();

    for (const each of [one, ...others]) await endOf(each).toBe('broken');
  });

  it('a pod that ends its side of the connection breaks what it had, too', async () => {
    const { one, peer } = await asked();
    peer.socket.end();

    await endOf(one).toBe('broken');
  });

  it('a pod that nobody listens at cannot be reached', async () => {
    const [port = 0] = await freePorts(1);
    const one = ask(upstream, { port, bytes: Buffer.from('a') });

    await endOf(one).toBe('unconnected');
  });

  it('a pod that does not read is not read either, so that answers to its PINGs do not heap up', async () => {
    useUpstream({ limits: { ...HTTP2_LIMITS, idleFrames: GENEROUS } });
    const { one, peer } = await asked();
    peer.socket.pause();
    const pings = Buffer.concat(times(1000, () => ping('8 bytes.')));
    let sent = 0;
    const send = () => {
      while (sent < 64 * 1024 * 1024 && peer.socket.write(pings)) sent += pings.length;
      sent += pings.length;
    };
    peer.socket.on('drain', send);
    send();
    let before = -1;
    while (sent > before) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }

    // What the buffers of two sockets hold.
    expect(sent).toBeLessThan(32 * 1024 * 1024);
    expect(one.end).toBeUndefined();
  });
});

describe('a connection', () => {
  it('begins with the preface, and puts all of a turn of the event loop into one packet', async () => {
    const chunks: Buffer[] = [];
    const sockets: Socket[] = [];
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.write(settingsFrame());
      socket.on('data', (chunk) => chunks.push(chunk));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    ask(upstream, { port, bytes: Buffer.from('a') });
    await eventually(() => Buffer.concat(chunks).includes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toBe(true);
    await eventually(() => chunks.at(-1)?.subarray(0, 5)).toEqual(Buffer.from([0, 0, 0, FrameType.settings, Flag.ack]));
    chunks.length = 0;

    for (const _ of [1, 2, 3]) ask(upstream, { port, bytes: Buffer.from('a') });

    await eventually(() => chunks.length).toBe(1);
    const heads = [...(chunks[0] ?? [])].filter(
      (byte, index, all) => byte === FrameType.headers && all[index + 1] === endHeaders,
    );
    expect(heads).toHaveLength(3);
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('answers PING and acknowledges SETTINGS', async () => {
    const { peer } = await asked();
    peer.send(ping('8 bytes.'));

    const isAck = ({ flags }: { readonly flags: number }) => flags === Flag.ack;
    await peer.frame((seen) => seen.type === FrameType.settings && isAck(seen));
    const pong = await peer.frame((seen) => seen.type === FrameType.ping && isAck(seen));
    expect(pong.payload.toString()).toBe('8 bytes.');
  });

  it('says that it takes no pushes, and how much it takes', async () => {
    const { peer } = await asked();

    const { payload } = await peer.frame(({ type }) => type === FrameType.settings);
    const settings = Array.from({ length: payload.length / 6 }, (_, index) => [
      payload.readUInt16BE(index * 6),
      payload.readUInt32BE(index * 6 + 2),
    ]);
    expect(settings).toEqual(
      expect.arrayContaining([
        [SettingId.enablePush, 0],
        [SettingId.initialWindowSize, HTTP2_LIMITS.streamWindowBytes],
        [SettingId.maxHeaderListSize, HTTP2_LIMITS.maxHeaderListBytes],
      ]),
    );
  });

  it('sends what the windows allow, also when they turn negative', async () => {
    await startPod([SettingId.initialWindowSize, 10]);
    const first = await asked();
    first.peer.send(first.peer.headers(first.streamId, OK));
    await endOf(first.one).toBe('ended');

    const { port, peer } = first;
    const one = ask(upstream, { port, bytes: Buffer.alloc(30) });
    await eventually(() => bytesOf(peer, 3)).toBe(10);
    // Now the window is -5; with 7 more it is 2.
    peer.send(settingsFrame([SettingId.initialWindowSize, 5]), windowUpdate(3, 7));
    await eventually(() => bytesOf(peer, 3)).toBe(12);
    peer.send(windowUpdate(3, 100));
    await peer.frame(({ streamId, flags, type }) => streamId === 3 && type === FrameType.data && flags === endStream);

    expect(bytesOf(peer, 3)).toBe(30);
    peer.send(peer.headers(3, OK));
    await endOf(one).toBe('ended');
  });

  it('forgets what waits for a window that never opens when it is given up', async () => {
    await startPod([SettingId.initialWindowSize, 0]);
    const first = await asked({ bytes: undefined as never });
    await eventually(() =>
      first.peer.frames.some(({ type, flags }) => type === FrameType.settings && flags === 1),
    ).toBe(true);
    const { port, peer } = first;
    const one = ask(upstream, { port });
    expect(one.call.write(Buffer.alloc(30))).toBe(false);
    one.call.cancel();
    peer.send(windowUpdate(3, 100), ping('8 bytes.'));
    await peer.frame(({ type }) => type === FrameType.ping);

    expect(bytesOf(peer, 3)).toBe(0);
    expect(await peer.resetOf(3)).toBe(ErrorCode.cancel);
  });

  it('follows the table that the pod asks for', async () => {
    await startPod([SettingId.headerTableSize, 0]);
    for (let turn = 0; turn < 3; turn += 1) {
      const one = ask(upstream, {
        port: pod?.port ?? 0,
        bytes: Buffer.from('a'),
        fields: [{ name: 'x-a', value: 'same' }],
      });
      const peer = await connection(pod as RawServer);
      const { fields } = await peer.head(2 * turn + 1);
      expect(fields).toMatchObject({ ':path': '/a.B/C', 'x-a': 'same' });
      peer.send(peer.headers(2 * turn + 1, OK));
      await endOf(one).toBe('ended');
    }
  });

  it('that is full has others beside it, as many as there may be', async () => {
    const server = await startPod([SettingId.maxConcurrentStreams, 2]);
    const first = await asked();
    await eventually(() =>
      first.peer.frames.some(({ type, flags }) => type === FrameType.settings && flags === 1),
    ).toBe(true);
    const open = [first.one];
    for (let place = 0; place < 8; place += 1) {
      const peer = await connection(server, place);
      await peer.frame(({ type, flags }) => type === FrameType.settings && flags === 1);
      open.push(ask(upstream, { port: server.port, bytes: Buffer.from('a') }));
      await peer.head(3);
      if (place === 7) break;
      open.push(ask(upstream, { port: server.port, bytes: Buffer.from('a') }));
      await (await connection(server, place + 1)).head(1);
    }
    const tooMany = ask(upstream, { port: server.port, bytes: Buffer.from('a') });

    await endOf(tooMany).toBe('full');
    expect(open.map(({ end }) => end)).toEqual(open.map(() => undefined));
    expect(server.connections).toHaveLength(8);
    first.peer.send(first.peer.headers(1, OK));
    await endOf(first.one).toBe('ended');
    ask(upstream, { port: server.port, bytes: Buffer.from('a') });
    await first.peer.head(5);
  });

  it('that goes away finishes what it has, refuses what it has not begun, and gets nothing new', async () => {
    const { one, peer, streamId, port } = await asked();
    const two = ask(upstream, { port, bytes: Buffer.from('a') });
    await peer.head(streamId + 2);
    peer.send(goaway(streamId));

    await endOf(two).toBe('refused');
    const three = ask(upstream, { port, bytes: Buffer.from('a') });
    const other = await connection(pod as RawServer, 1);
    await other.head(1);
    other.send(other.headers(1, OK));
    await endOf(three).toBe('ended');
    expect(one.end).toBeUndefined();
    peer.send(begin(peer, streamId), data(streamId, 3), peer.headers(streamId, STATUS));
    await endOf(one).toBe('ended');
    await peer.closed;
    expect(streamsOf(peer)).toEqual([1, 3]);
  });

  it('has a successor when its ids are used up, and ends when all is answered', async () => {
    useUpstream({ firstStreamId: MAX_WINDOW - 2 });
    const { one, peer, streamId, port } = await asked();
    const last = ask(upstream, { port, bytes: Buffer.from('a') });
    await peer.head(MAX_WINDOW);
    ask(upstream, { port, bytes: Buffer.from('a') });
    const other = await connection(pod as RawServer, 1);
    await other.head(MAX_WINDOW - 2);
    peer.send(peer.headers(streamId, OK), peer.headers(MAX_WINDOW, OK));

    await endOf(one).toBe('ended');
    await endOf(last).toBe('ended');
    await peer.closed;
    expect(streamsOf(peer)).toEqual([MAX_WINDOW - 2, MAX_WINDOW]);
  });

  it('that is not used is closed in words, and one that is used is not', async () => {
    useUpstream({ idleMs: 30 });
    const { one, peer, streamId } = await asked();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(peer.isClosed()).toBe(false);
    peer.send(peer.headers(streamId, OK));
    await endOf(one).toBe('ended');

    expect(await peer.goaway()).toBe(ErrorCode.noError);
    await peer.closed;
  });
});
