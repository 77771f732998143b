/** gRPC by its bytes, over both of our HTTP/2s: what is right, what is wrong, and what a client would do to us. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ERROR_CODES, RequestError, toRequestError } from '../../protocol/errors.ts';
import { frame, GET, POST, rawClient, uint32 } from '../../testing/raw-http2.ts';
import type { RawPeer } from '../../testing/raw-http2.ts';
import type { Http2Listener, RequestListener } from '../http2/exchange.ts';
import { Flag, FrameType } from '../http2/frames.ts';
import { createNodeListener } from '../http2/node-listener.ts';
import { createOwnListener } from '../http2/own-listener.ts';
import { createGrpcListener } from './grpc-listener.ts';
import type { GrpcListenerOptions } from './grpc-listener.ts';
import type { Call, Codec, Rpc, StreamingCall } from './rpc.ts';

const { endHeaders, endStream } = Flag;
const MAX_MESSAGE = 10_000;

function message(body: Uint8Array | string, flag = 0): Buffer {
  const bytes = Buffer.from(body);
  return Buffer.concat([Buffer.of(flag), uint32(bytes.length), bytes]);
}

const CODEC: Codec = {
  decode: (bytes) => {
    if (bytes.includes('undecodable')) throw new Error('a secret of the decoder');
    return bytes;
  },
  encode: (answer) => message(answer as Buffer),
};

const servers: { close(): void }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Served {
  readonly port: number;
  readonly calls: Call[];
  readonly read: string[];
}

async function serve(
  createListener: (listener: RequestListener) => Http2Listener,
  more: Partial<GrpcListenerOptions>,
): Promise<Served> {
  const calls: Call[] = [];
  const read: string[] = [];
  const unary = (method: (request: Buffer, call: Call) => object | Promise<object>): Rpc => ({
    kind: 'unary',
    method,
    ...CODEC,
  });
  const streaming = (method: (requests: AsyncIterable<Buffer>, call: StreamingCall) => Promise<void>): Rpc => ({
    kind: 'streaming',
    method,
    ...CODEC,
  });
  const rpcs = new Map<string, Rpc>([
    ['/test/Echo', unary((request) => request)],
    [
      '/test/Hang',
      unary((_, call) => {
        calls.push(call);
        return new Promise((_resolve, reject) =>
          call.signal.addEventListener('abort', () => reject(new Error('given up'))),
        );
      }),
    ],
    [
      '/test/Fail',
      unary(() => {
        throw new RequestError('NotFound', 'no "ü", 100 %\n');
      }),
    ],
    ['/test/Bug', unary(async () => Promise.reject(new Error('/secret/path')))],
    [
      '/test/EchoAll',
      streaming(async (requests, call) => {
        calls.push(call);
        for await (const request of requests) {
          read.push(request.toString());
          await call.send(request);
        }
      }),
    ],
    [
      '/test/Deaf',
      streaming(async (_, call) => new Promise((resolve) => call.signal.addEventListener('abort', () => resolve()))),
    ],
  ]);
  const listener = createListener(
    createGrpcListener(rpcs, {
      answerFields: () => [{ name: 'x-request-id', value: 'id' }],
      failureOf: (cause) => {
        const { code, message: words } = toRequestError(cause);
        return { code: ERROR_CODES[code].grpc, message: words };
      },
      maxMessageBytes: MAX_MESSAGE,
      ...more,
    }),
  );
  const server: Server = createServer({ noDelay: true }, listener.take);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  servers.push(listener, server);
  return { port: (server.address() as AddressInfo).port, calls, read };
}

const head = (client: RawPeer, path: string, fields: Record<string, string> = {}, streamId = 1) =>
  client.headers(
    streamId,
    { ...POST, ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...fields },
    endHeaders,
  );
const data = (body: Uint8Array, flags: number = endStream, streamId = 1) =>
  frame(FrameType.data, flags, streamId, body);

interface Answer {
  readonly fields: Readonly<Record<string, string>>;
  readonly body: string;
}

/** All of the answer, with the fields of its head and of its trailers. */
async function answerOf(client: RawPeer, streamId = 1): Promise<Answer> {
  await client.frame(
    (seen) => seen.streamId === streamId && seen.type <= FrameType.headers && (seen.flags & endStream) !== 0,
  );
  const mine = client.frames.filter((seen) => seen.streamId === streamId);
  const bodies = mine.filter(({ type }) => type === FrameType.data).map(({ payload }) => payload);
  return {
    fields: Object.assign({}, ...mine.map(({ fields }) => fields)) as Record<string, string>,
    body: Buffer.concat(bodies).toString(),
  };
}

describe.each([
  ['own', (listener: RequestListener) => createOwnListener(listener)],
  ['node', createNodeListener],
])('over HTTP/2 of %s', (_, createListener) => {
  const ask = async (
    path: string,
    body: Uint8Array,
    fields: Record<string, string> = {},
    more: Partial<GrpcListenerOptions> = {},
  ) => {
    const client = await rawClient((await serve(createListener, more)).port);
    client.send(head(client, path, fields), data(body));
    return answerOf(client);
  };

  it('a message is answered by a message, with status 0 and what every answer has', async () => {
    const { fields, body } = await ask('/test/Echo', message('hello'));

    expect(fields).toMatchObject({
      ':status': '200',
      'content-type': 'application/grpc',
      'x-request-id': 'id',
      'grpc-status': '0',
    });
    expect(body).toBe(message('hello').toString());
  });

  it('a message may come in pieces of any size', async () => {
    const { port } = await serve(createListener, {});
    const client = await rawClient(port);
    client.send(head(client, '/test/Echo'));
    for (const byte of message('hello')) client.send(data(Buffer.of(byte), 0));
    client.send(data(Buffer.alloc(0)));

    expect((await answerOf(client)).body).toBe(message('hello').toString());
  });

  it.each(['application/grpc', 'application/grpc+proto', 'Application/GRPC', 'application/grpc; charset=utf-8'])(
    'the content type %s is taken',
    async (type) => {
      expect((await ask('/test/Echo', message('a'), { 'content-type': type })).fields['grpc-status']).toBe('0');
    },
  );

  it.each(['application/grpcx', 'application/grpc-web', 'application/grpc+json', 'application/json', ''])(
    'the content type "%s" is 415',
    async (type) => {
      const { fields, body } = await ask('/test/Echo', message('a'), { 'content-type': type });

      expect(fields).toMatchObject({ ':status': '415', 'content-type': 'text/plain; charset=utf-8' });
      expect(body).toContain('application/grpc');
    },
  );

  it('GET is told what is spoken here', async () => {
    const client = await rawClient((await serve(createListener, {})).port);
    client.send(client.headers(1, GET));
    const { fields, body } = await answerOf(client);

    expect(fields).toMatchObject({ ':status': '405', allow: 'POST' });
    expect(body).toContain('gRPC');
  });

  it.each<[string, string, Uint8Array, Record<string, string>, number]>([
    ['a method that is not there', '/test/Nothing', message('a'), {}, 12],
    ['a flag that nobody knows', '/test/Echo', message('a', 2), {}, 13],
    ['a compressed message without an encoding', '/test/Echo', message(gzipSync('a'), 1), {}, 13],
    [
      'a compressed message under "identity"',
      '/test/Echo',
      message(gzipSync('a'), 1),
      { 'grpc-encoding': 'identity' },
      13,
    ],
    ['an encoding that is not known', '/test/Echo', message('a'), { 'grpc-encoding': 'zstd' }, 12],
    ['the name of a property as encoding', '/test/Echo', message('a'), { 'grpc-encoding': 'constructor' }, 12],
    ['what is no gzip', '/test/Echo', message('a', 1), { 'grpc-encoding': 'gzip' }, 3],
    ['a bomb', '/test/Echo', message(gzipSync(Buffer.alloc(MAX_MESSAGE + 1)), 1), { 'grpc-encoding': 'gzip' }, 8],
    ['a message that is too large', '/test/Echo', message(Buffer.alloc(MAX_MESSAGE + 1)), {}, 8],
    ['a length without a message', '/test/Echo', Buffer.of(0, 0xff, 0xff, 0xff, 0xff), {}, 8],
    ['half a message', '/test/Echo', message('hello').subarray(0, 7), {}, 13],
    ['half a prefix', '/test/Echo', Buffer.of(0, 0), {}, 13],
    ['no message', '/test/Echo', Buffer.alloc(0), {}, 12],
    ['two messages', '/test/Echo', Buffer.concat([message('a'), message('b')]), {}, 12],
    ['what cannot be decoded', '/test/Echo', message('undecodable'), {}, 3],
    ['a timeout that is none', '/test/Echo', message('a'), { 'grpc-timeout': '1 S' }, 13],
    ['a bug', '/test/Bug', message('a'), {}, 13],
    ['half a message of a stream', '/test/EchoAll', message('hello').subarray(0, 7), {}, 13],
    ['a flag that nobody knows, in a stream', '/test/EchoAll', message('a', 3), {}, 13],
    ['what cannot be decoded, in a stream', '/test/EchoAll', message('undecodable'), {}, 3],
  ])('%s is refused', async (...[, path, body, more, status]) => {
    const { fields } = await ask(path, body, more);

    expect(fields['grpc-status']).toBe(String(status));
    expect(fields['x-request-id']).toBe('id');
    expect(fields['grpc-message']).not.toContain('secret');
    if (more['grpc-encoding'] === 'zstd') expect(fields['grpc-accept-encoding']).toBe('identity,gzip,deflate');
  });

  it.each([
    ['gzip', gzipSync('hello')],
    ['deflate', deflateSync('hello')],
  ])('%s is taken, of calls and of streams', async (encoding, body) => {
    const fields = { 'grpc-encoding': encoding };

    expect((await ask('/test/Echo', message(body, 1), fields)).body).toBe(message('hello').toString());
    expect((await ask('/test/EchoAll', message(body, 1), fields)).body).toBe(message('hello').toString());
  });

  it('the words of a failure are percent-encoded', async () => {
    const { fields } = await ask('/test/Fail', message('a'));

    expect(fields).toMatchObject({ 'grpc-status': '5', 'grpc-message': 'no "%C3%BC", 100 %25%0A' });
  });

  it.each(['/test/Hang', '/test/Deaf'])('a deadline that passes ends %s with status 4, and its work', async (path) => {
    const { fields } = await ask(path, message('a'), { 'grpc-timeout': '30m' });

    expect(fields['grpc-status']).toBe('4');
  });

  it('a client that gives a call up ends its work', async () => {
    const { port, calls } = await serve(createListener, {});
    const client = await rawClient(port);
    client.send(head(client, '/test/Hang'), data(message('a')));
    await vi.waitFor(() => expect(calls).toHaveLength(1));
    client.send(frame(FrameType.rstStream, 0, 1, uint32(8)));
    await vi.waitFor(() => expect(calls[0]?.signal.aborted).toBe(true));
  });

  it.each(['/test/Echo', '/test/EchoAll'])('a message of %s that does not come ends the call', async (path) => {
    const { port } = await serve(createListener, { messageMs: 100 });
    const client = await rawClient(port);
    client.send(head(client, path), data(message('hello').subarray(0, 7), 0));

    expect((await answerOf(client)).fields['grpc-status']).toBe('4');
  });

  it('a stream may be silent as long as it likes', async () => {
    const { port } = await serve(createListener, { messageMs: 50 });
    const client = await rawClient(port);
    client.send(head(client, '/test/EchoAll'), data(message('a'), 0));
    await client.frame(({ type }) => type === FrameType.data);
    await new Promise((resolve) => setTimeout(resolve, 200));
    client.send(data(message('b')));

    expect(await answerOf(client)).toMatchObject({
      body: message('a').toString() + message('b').toString(),
      fields: { 'grpc-status': '0' },
    });
  });

  it('messages that have not arrived in full share a bounded memory, which comes back', async () => {
    const { port } = await serve(createListener, { maxIncompleteBytes: 30_000 });
    const client = await rawClient(port);
    const half = message(Buffer.alloc(9_000)).subarray(0, 6_000);
    for (let streamId = 1; streamId < 9; streamId += 2)
      client.send(head(client, '/test/Echo', {}, streamId), data(half, 0, streamId));
    expect((await answerOf(client, 7)).fields['grpc-status']).toBe('14');
    for (let streamId = 1; streamId < 7; streamId += 2) client.send(frame(FrameType.rstStream, 0, streamId, uint32(8)));
    client.send(head(client, '/test/Echo', {}, 9), data(half, 0, 9), data(Buffer.alloc(3_005), endStream, 9));

    expect((await answerOf(client, 9)).fields['grpc-status']).toBe('0');
  });
});

it('a client whose messages nobody reads cannot send more than its window, with ours', async () => {
  const { port } = await serve((listener) => createOwnListener(listener), {});
  const client = await rawClient(port);
  client.send(head(client, '/test/Deaf'));
  const chunk = data(Buffer.concat([message('x'.repeat(8_000)), message('x'.repeat(8_000))]), 0);
  // The window of a stream is 1 MiB; nothing may give it back.
  for (let sent = 0; sent + 16_010 < 1024 * 1024; sent += 16_010) client.send(chunk);
  client.send(frame(FrameType.ping, 0, 0, Buffer.alloc(8)));
  await client.frame(({ type }) => type === FrameType.ping);

  expect(client.frames.some(({ type, streamId }) => type === FrameType.windowUpdate && streamId === 1)).toBe(false);
});
