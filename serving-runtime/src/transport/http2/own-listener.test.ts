/** What a client may do to a connection, and what it may not; after each attack a client beside it is served as before. */
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { frame, GET, POST, rawClient, settingsFrame, uint32 } from '../../testing/raw-http2.ts';
import type { RawPeer } from '../../testing/raw-http2.ts';
import { ErrorCode } from './errors.ts';
import type { Exchange, Http2Listener } from './exchange.ts';
import { Flag, FrameType, PREFACE, SettingId } from './frames.ts';
import type { Http2Limits } from './limits.ts';
import { createOwnListener } from './own-listener.ts';

const { endHeaders, endStream, padded } = Flag;
/** Of a client that goes on asking. */
const OPEN = endHeaders;

interface Served {
  readonly port: number;
  readonly listener: Http2Listener;
  /** Paths of requests whose handlers ran. */
  readonly ran: string[];
  readonly aborted: string[];
  /** Of requests for /hold: answered when the test says so. */
  readonly held: Exchange[];
  readonly faults: unknown[];
  /** The server's side of its connections. */
  readonly sockets: Socket[];
}

let server: Server | undefined;
let served: Served;

async function serve(limits: Partial<Http2Limits> = {}): Promise<Served> {
  const ran: string[] = [];
  const aborted: string[] = [];
  const held: Exchange[] = [];
  const faults: unknown[] = [];
  const answer = (exchange: Exchange, bytes: number) => {
    exchange.respond([{ name: ':status', value: '200' }]);
    if (bytes > 0) exchange.write(Buffer.alloc(bytes, 'x'));
    exchange.end([{ name: 'received', value: 'all' }]);
  };
  const listener = createOwnListener(
    (exchange) => {
      const { path } = exchange.request;
      ran.push(path);
      if (path === '/hold') held.push(exchange);
      if (path === '/bug') throw new Error('a bug');
      return {
        data: (chunk) => {
          if (path !== '/keep') exchange.consumed(chunk.length);
        },
        end: () => {
          if (path !== '/hold') answer(exchange, Number(/\d+/.exec(path)?.[0] ?? 0));
        },
        aborted: () => {
          aborted.push(path);
          if (path !== '/hold') exchange.end();
        },
        drained: () => {},
      };
    },
    { limits, tickMs: 10, onFault: (cause) => faults.push(cause) },
  );
  const sockets: Socket[] = [];
  server = createServer({ noDelay: true }, (socket) => {
    sockets.push(socket);
    listener.take(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  served = { port: (server.address() as AddressInfo).port, listener, ran, aborted, held, faults, sockets };
  return served;
}

afterEach(() => {
  served.listener.close();
  server?.close();
});

/** Asks with another client than ours. */
async function expectServed({ port }: Served): Promise<void> {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':path': '/100000' });
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await once(stream, 'end');
  expect(bytes).toBe(100_000);
  session.close();
}

const post = (client: RawPeer, streamId: number, path = '/') =>
  client.headers(streamId, { ...POST, ':path': path }, OPEN);
const get = (client: RawPeer, streamId: number, path: string) => client.headers(streamId, { ...GET, ':path': path });
const data = (streamId: number, bytes: number, flags = 0) =>
  frame(FrameType.data, flags, streamId, Buffer.alloc(bytes));
const reset = (streamId: number) => frame(FrameType.rstStream, 0, streamId, uint32(ErrorCode.cancel));
const windowUpdate = (streamId: number, bytes: number) => frame(FrameType.windowUpdate, 0, streamId, uint32(bytes));
const bytesOf = (client: RawPeer, streamId: number) =>
  client.frames
    .filter((seen) => seen.type === FrameType.data && seen.streamId === streamId)
    .reduce((sum, { payload }) => sum + payload.length, 0);
const times = (count: number, make: (index: number) => Uint8Array) =>
  Array.from({ length: count }, (_, index) => make(index));
const isEnd = (streamId: number) => (seen: { streamId: number; flags: number; type: number }) =>
  seen.streamId === streamId && seen.type <= FrameType.headers && (seen.flags & endStream) !== 0;

describe('a request', () => {
  it('may come a byte at a time', async () => {
    const client = await rawClient((await serve()).port, []);
    const bytes = Buffer.concat([PREFACE, settingsFrame(), post(client, 1), data(1, 5, endStream)]);
    for (const byte of bytes) client.socket.write(Buffer.of(byte));

    expect((await client.frame(isEnd(1))).fields).toEqual({ received: 'all' });
  });

  it('may have padding, trailers and a length', async () => {
    const client = await rawClient((await serve()).port);
    const body = frame(FrameType.data, padded, 1, Buffer.from([3, 1, 2, 3, 4, 0, 0, 0]));
    const head = client.headers(1, { ...POST, 'content-length': '4' }, OPEN);
    client.send(head, body, client.headers(1, { checksum: '1' }));

    expect((await client.frame(isEnd(1))).fields).toEqual({ received: 'all' });
  });

  it.each([
    ['fewer bytes than it announced', [data(1, 3, endStream)]],
    ['more bytes than it announced', [data(1, 5)]],
  ])('is broken off when it has %s', async (_, body) => {
    const client = await rawClient((await serve()).port);
    client.send(client.headers(1, { ...POST, 'content-length': '4' }, OPEN), ...body);

    expect(await client.resetOf(1)).toBe(ErrorCode.protocolError);
  });

  it('with too large a head gets 431, and leaves HPACK in step', async () => {
    const client = await rawClient((await serve({ maxHeaderListBytes: 1000 })).port);
    client.send(client.headers(1, { ...GET, 'x-kept': 'a', 'x-large': 'b'.repeat(2000) }));
    client.send(client.headers(3, { ...GET, 'x-kept': 'a' }));

    expect((await client.head(1)).fields).toEqual({ ':status': '431' });
    expect((await client.head(3)).fields).toEqual({ ':status': '200' });
  });

  it('that is refused leaves HPACK in step too', async () => {
    const { port, held } = await serve({ maxConcurrentStreams: 1 });
    const client = await rawClient(port);
    client.send(get(client, 1, '/hold'), client.headers(3, { ...GET, 'x-new': 'a' }));
    expect(await client.resetOf(3)).toBe(ErrorCode.refusedStream);
    held[0]?.respond([{ name: ':status', value: '200' }], true);
    await client.frame(isEnd(1));
    client.send(client.headers(5, { ...GET, 'x-new': 'a' }));

    expect((await client.head(5)).fields).toEqual({ ':status': '200' });
  });

  it('whose handler fails costs its connection, and is told', async () => {
    const all = await serve();
    const client = await rawClient(all.port);
    client.send(get(client, 1, '/bug'));

    expect(await client.goaway()).toBe(ErrorCode.internalError);
    expect(all.faults).toHaveLength(1);
    await expectServed(all);
  });
});

describe('flow control', () => {
  it('of answers: sends what the windows allow, also when they turn negative', async () => {
    const client = await rawClient((await serve()).port, [PREFACE, settingsFrame([SettingId.initialWindowSize, 10])]);
    client.send(get(client, 1, '/30'));
    await client.frame((seen) => seen.type === FrameType.data);
    expect(bytesOf(client, 1)).toBe(10);
    // Now the window is -5; with 7 more it is 2.
    client.send(settingsFrame([SettingId.initialWindowSize, 5]), windowUpdate(1, 7));
    await client.frame((seen) => seen.type === FrameType.data && seen.payload.length === 2);
    expect(bytesOf(client, 1)).toBe(12);
    client.send(windowUpdate(1, 100));

    await client.frame(isEnd(1));
    expect(bytesOf(client, 1)).toBe(30);
  });

  it('of answers: streams that share a narrow connection have their turns', async () => {
    const client = await rawClient((await serve()).port, [
      PREFACE,
      settingsFrame([SettingId.initialWindowSize, 1_000_000]),
    ]);
    client.send(get(client, 1, '/500000'), get(client, 3, '/500000'));
    await client.frame((seen) => seen.type === FrameType.data);
    for (let grown = 0; grown < 12; grown += 1) client.send(windowUpdate(0, 32_768));
    await client.frame(() => bytesOf(client, 1) + bytesOf(client, 3) === 65_535 + 12 * 32_768);

    expect(bytesOf(client, 3)).toBeGreaterThan(150_000);
  });

  it('of requests: gives back what was cancelled, refused, or padding', async () => {
    const { port } = await serve({
      connectionWindowBytes: 100_000,
      streamWindowBytes: 100_000,
      resets: { burst: 1e6, perSecond: 0 },
    });
    const client = await rawClient(port);
    let sent = 0;
    let streamId = 1;
    // Ten times the window of the connection; the test would hang where any of it got lost.
    for (; sent < 1_000_000; streamId += 2) {
      const padding = frame(FrameType.data, padded, streamId, Buffer.concat([Buffer.of(255), Buffer.alloc(255)]));
      client.send(
        post(client, streamId, '/keep'),
        data(streamId, 10_000),
        ...times(20, () => padding),
        reset(streamId),
        data(streamId, 10_000),
      );
      sent += 20_000 + 20 * 256;
      await sleep(1);
    }
    client.send(post(client, streamId), data(streamId, 10_000, endStream));

    expect((await client.frame(isEnd(streamId))).fields).toEqual({ received: 'all' });
  });

  it.each([
    ['a stream', { streamWindowBytes: 70_000 }, async (client: RawPeer) => client.resetOf(1)],
    ['a connection', { connectionWindowBytes: 70_000 }, async (client: RawPeer) => client.goaway()],
  ])('of requests: who sends more than %s may is cut off', async (_, limits, code) => {
    const client = await rawClient((await serve(limits)).port);
    client.send(post(client, 1, '/keep'), ...Array.from({ length: 5 }, () => data(1, 16_384)));

    expect(await code(client)).toBe(ErrorCode.flowControlError);
  });

  it('of answers: a window that is never opened costs its stream, not its connection', async () => {
    const { port } = await serve({ stallMs: 50 });
    const client = await rawClient(port, [PREFACE, settingsFrame([SettingId.initialWindowSize, 0])]);
    client.send(get(client, 1, '/30'));

    expect(await client.resetOf(1)).toBe(ErrorCode.cancel);
    client.send(get(client, 3, '/'));
    await client.frame(isEnd(3));
  });

  it('of answers: who lets too many bytes wait gets no more streams', async () => {
    const { port } = await serve({ maxBlockedBytes: 1000 });
    const client = await rawClient(port, [PREFACE, settingsFrame([SettingId.initialWindowSize, 0])]);
    client.send(get(client, 1, '/1000'));
    await client.head(1);
    client.send(get(client, 3, '/'));

    expect(await client.resetOf(3)).toBe(ErrorCode.refusedStream);
  });
});

describe('an attack ends its connection, and no other', () => {
  const IDLE = { idleFrames: { burst: 20, perSecond: 0 } };
  const RESETS = { resets: { burst: 20, perSecond: 0 } };
  const streamsOf = (count: number, make: (streamId: number) => readonly Uint8Array[]) =>
    times(count, (index) => Buffer.concat(make(2 * index + 1)));

  it.each<[string, Partial<Http2Limits>, (client: RawPeer) => readonly Uint8Array[]]>([
    ['rapid reset', RESETS, (client) => streamsOf(21, (id) => [post(client, id), reset(id)])],
    [
      'made you reset: windows that grow by nothing',
      RESETS,
      (client) => streamsOf(21, (id) => [post(client, id), windowUpdate(id, 0)]),
    ],
    [
      'made you reset: windows that grow too much',
      RESETS,
      (client) => streamsOf(21, (id) => [post(client, id), windowUpdate(id, 2 ** 31 - 1)]),
    ],
    [
      'made you reset: malformed requests',
      RESETS,
      (client) => streamsOf(21, (id) => [client.headers(id, { ...GET, te: 'x' })]),
    ],
    [
      'made you reset: DATA after the end',
      RESETS,
      (client) => streamsOf(21, (id) => [get(client, id, '/hold'), data(id, 1)]),
    ],
    ['PING', IDLE, () => times(21, () => frame(FrameType.ping, 0, 0, Buffer.alloc(8)))],
    ['SETTINGS', IDLE, () => times(21, () => settingsFrame())],
    ['PRIORITY', IDLE, () => times(21, () => frame(FrameType.priority, 0, 1, Buffer.alloc(5)))],
    ['empty DATA', IDLE, (client) => [post(client, 1), ...times(21, () => data(1, 0))]],
    ['WINDOW_UPDATE', IDLE, () => times(21, () => windowUpdate(0, 1))],
    ['frames of unknown types', IDLE, () => times(21, () => frame(0x77, 0, 0))],
    ['RST_STREAM of streams that are over', IDLE, (client) => [get(client, 1, '/'), ...times(40, () => reset(1))]],
    [
      'streams beyond the limit',
      { ...IDLE, maxConcurrentStreams: 1 },
      (client) => streamsOf(23, (id) => [get(client, id, '/hold')]),
    ],
    [
      'CONTINUATION',
      {},
      () => [frame(FrameType.headers, 0, 1), ...times(9, () => frame(FrameType.continuation, 0, 1, Buffer.of(0x82)))],
    ],
    [
      'a header block without an end',
      { maxHeaderBlockBytes: 20_000 },
      () => [
        frame(FrameType.headers, 0, 1),
        ...times(2, () => frame(FrameType.continuation, 0, 1, Buffer.alloc(16_384))),
      ],
    ],
  ])('%s', async (_, limits, attack) => {
    const all = await serve(limits);
    const client = await rawClient(all.port);
    client.send(...attack(client));

    expect(await client.goaway()).toBe(ErrorCode.enhanceYourCalm);
    await client.closed;
    await expectServed(all);
  });

  it('a bomb of HPACK is counted by what it unpacks to', async () => {
    const all = await serve();
    const client = await rawClient(all.port);
    client.send(client.headers(1, { ...GET, 'x-large': 'y'.repeat(3900) }));
    await client.head(1);
    // A thousand times the field of 4 KiB, a byte each.
    client.send(frame(FrameType.headers, endHeaders | endStream, 3, Buffer.alloc(1000, 0xbe)));

    expect((await client.head(3)).fields).toEqual({ ':status': '431' });
    expect(all.ran).toEqual(['/']);
    await expectServed(all);
  });

  it('requests that are reset in the same breath never run', async () => {
    const all = await serve();
    const client = await rawClient(all.port);
    client.send(...streamsOf(100, (id) => [post(client, id), reset(id)]), get(client, 201, '/last'));
    await client.head(201);

    expect(all.ran).toEqual(['/last']);
  });

  it('resets are counted over all connections of an address', async () => {
    const all = await serve({ resetsOfAddress: { burst: 30, perSecond: 0 } });
    const clients = [];
    for (let index = 0; index < 4; index += 1) {
      const client = await rawClient(all.port);
      clients.push(client);
      client.send(...streamsOf(10, (id) => [post(client, id), reset(id)]), get(client, 101, '/'));
      await Promise.race([client.head(101), client.closed]).catch(() => {});
    }

    expect(clients.map((client) => client.frames.some(({ type }) => type === FrameType.goaway))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    await expectServed(all);
  });

  it('work that goes on after a reset still counts', async () => {
    const all = await serve({ maxRunning: 2 });
    const client = await rawClient(all.port);
    client.send(get(client, 1, '/hold'), get(client, 3, '/hold'));
    await client.frame(() => all.held.length === 2);
    client.send(reset(1), reset(3), get(client, 5, '/'));
    expect(await client.resetOf(5)).toBe(ErrorCode.refusedStream);
    expect(all.aborted).toEqual(['/hold', '/hold']);
    all.held[0]?.end();
    client.send(get(client, 7, '/'));

    expect((await client.head(7)).fields).toEqual({ ':status': '200' });
  });

  it('connections beyond the limit are closed', async () => {
    const all = await serve({ maxConnections: 1 });
    const first = await rawClient(all.port);
    const second = await rawClient(all.port);
    await second.closed;
    first.send(get(first, 1, '/'));

    expect((await first.head(1)).fields).toEqual({ ':status': '200' });
  });
});

describe('a client that is slow', () => {
  it.each<[string, Partial<Http2Limits>, (client: RawPeer) => readonly Uint8Array[]]>([
    ['with its preface', { prefaceMs: 50 }, () => []],
    ['with its SETTINGS', { prefaceMs: 50 }, () => [PREFACE]],
    ['with a frame', { frameMs: 50 }, () => [PREFACE, settingsFrame(), data(1, 100).subarray(0, 50)]],
    [
      'with a header block',
      { frameMs: 50 },
      () => [PREFACE, settingsFrame(), frame(FrameType.headers, 0, 1, Buffer.of(0x82))],
    ],
  ])('%s is closed', async (_, limits, opening) => {
    const all = await serve(limits);
    const client = await rawClient(all.port, []);
    client.send(...opening(client));

    expect(await client.goaway()).toBe(ErrorCode.enhanceYourCalm);
    await client.closed;
    await expectServed(all);
  });

  it('to read is not written to beyond a bound, and closed at last', async () => {
    const all = await serve({ stallMs: 200 });
    const client = await rawClient(all.port, [
      PREFACE,
      settingsFrame([SettingId.initialWindowSize, 2 ** 31 - 1]),
      windowUpdate(0, 2 ** 31 - 1 - 65_535),
    ]);
    client.socket.pause();
    client.send(get(client, 1, '/50000000'));
    await vi.waitFor(() => expect(all.sockets[0]?.writableLength).toBeGreaterThan(0), { timeout: 10_000 });
    expect(all.sockets[0]?.writableLength).toBeLessThan(300_000);
    await vi.waitFor(() => expect(all.sockets[0]?.destroyed).toBe(true), { timeout: 10_000 });
    client.socket.resume();
    await client.closed;

    expect(bytesOf(client, 1)).toBeLessThan(50_000_000);
    await expectServed(all);
  });

  it('to read is not read either, so that answers that no window holds back do not heap up', async () => {
    const all = await serve();
    const client = await rawClient(all.port, [
      PREFACE,
      settingsFrame([SettingId.initialWindowSize, 2 ** 31 - 1]),
      windowUpdate(0, 2 ** 31 - 1 - 65_535),
    ]);
    client.socket.pause();
    client.send(get(client, 1, '/50000000'));
    await vi.waitFor(() => expect(all.sockets[0]?.writableLength).toBeGreaterThan(250_000), { timeout: 10_000 });
    for (let streamId = 3; streamId < 12_000; streamId += 2) {
      client.send(get(client, streamId, '/'));
      if (streamId % 100 === 1) await sleep(1);
    }
    client.send(get(client, 12_001, '/last'));
    await sleep(100);

    expect(all.sockets[0]?.writableLength).toBeLessThan(300_000);
    expect(all.ran).not.toContain('/last');
    client.socket.destroy();
    await expectServed(all);
  });

  it('with nothing at all is told to go', async () => {
    const client = await rawClient((await serve({ idleMs: 50 })).port);

    expect(await client.goaway()).toBe(ErrorCode.noError);
    await client.closed;
  });
});

describe('a drain', () => {
  it('answers what was asked, also what was on its way, and says what was last', async () => {
    const { port, listener, held } = await serve({ drainMs: 100 });
    const client = await rawClient(port);
    client.send(get(client, 1, '/hold'));
    await client.frame(() => held.length === 1);
    const drained = listener.drain();
    expect(await client.goaway()).toBe(ErrorCode.noError);
    client.send(get(client, 3, '/'));
    await client.frame(isEnd(3));
    const last = await client.frame((seen) => seen.type === FrameType.goaway && seen.payload.readUInt32BE() === 3);
    client.send(get(client, 5, '/'));
    held[0]?.respond([{ name: ':status', value: '204' }], true);
    await drained;

    expect(last.payload.readUInt32BE(4)).toBe(ErrorCode.noError);
    expect((await client.head(1)).fields).toEqual({ ':status': '204' });
    expect(client.frames.some(({ streamId }) => streamId === 5)).toBe(false);
  });

  it('serves a client that is slow to read until it has shown that it knows', async () => {
    const { port, listener } = await serve({ drainMs: 60_000 });
    const client = await rawClient(port);
    const drained = listener.drain();
    const { payload } = await client.frame(({ type, flags }) => type === FrameType.ping && flags === 0);
    client.send(get(client, 1, '/'));
    await client.frame(isEnd(1));
    const told = client.frames.filter(({ type }) => type === FrameType.goaway);
    client.send(frame(FrameType.ping, Flag.ack, 0, payload));
    const last = await client.frame((seen) => seen.type === FrameType.goaway && seen.payload.readUInt32BE() === 1);
    await drained;

    expect(told).toHaveLength(1);
    expect(last.payload.readUInt32BE(4)).toBe(ErrorCode.noError);
  });
});

it('what is no HTTP/2 is closed', async () => {
  const client = await rawClient((await serve()).port, [Buffer.from('GET / HTTP/1.1\r\n\r\n')]);

  expect(await client.goaway()).toBe(ErrorCode.protocolError);
  await client.closed;
});
