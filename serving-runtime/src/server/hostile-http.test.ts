/** HTTP/1.1 that is broken, ambiguous or too much, byte by byte. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { statusesIn, talk } from '../testing/raw-http1.ts';
import { startTarget } from '../testing/target.ts';
import type { Target } from '../testing/target.ts';

const ROW = '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[2,3]}]}';
const POST = 'POST /v2/models/add/infer HTTP/1.1\r\nhost: a\r\n';
const CLOSE = 'connection: close\r\n';
const LENGTH = `content-length: ${ROW.length}\r\n`;
const CHUNKED = 'transfer-encoding: chunked\r\n';
const MIB = 1024 * 1024;

let target: Target;
beforeAll(async () => {
  target = await startTarget(['--admin-port=0']);
});
afterAll(() => target.stop());
afterEach(() => target.expectWell());

const say = (...pieces: readonly (string | Uint8Array)[]) => talk(target.server.ports.http, ...pieces);

describe('a body with two ends', () => {
  it.each([
    ['a length and chunks', `${LENGTH}${CHUNKED}\r\n${ROW}`],
    ['two lengths', `${LENGTH}content-length: 5\r\n\r\n${ROW}`],
    ['the same length twice in a line', `content-length: ${ROW.length}, ${ROW.length}\r\n\r\n${ROW}`],
    ['a signed length', `content-length: +${ROW.length}\r\n\r\n${ROW}`],
    ['a hexadecimal length', `content-length: 0x46\r\n\r\n${ROW}`],
    ['chunks that are not the last encoding', `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['an encoding that looks like chunks', `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['a chunk of negative size', `${CHUNKED}\r\n-1\r\nx\r\n0\r\n\r\n`],
    ['a chunk whose size wraps', `${CHUNKED}\r\nffffffffffffffffff\r\nx\r\n0\r\n\r\n`],
    ['a chunk that is longer than its size', `${CHUNKED}\r\n1\r\nxyz\r\n0\r\n\r\n`],
    ['a line of the head that is folded', `x: a\r\n b\r\n${LENGTH}\r\n${ROW}`],
    ['a space before a colon', `content-length : ${ROW.length}\r\n\r\n${ROW}`],
    ['NUL in a value', `x: a\0b\r\n${LENGTH}\r\n${ROW}`],
    ['a return without a new line', `x: a\rcontent-length: 5\r\n\r\n${ROW}`],
  ])('is refused, and nothing after it is read: %s', async (_, rest) => {
    expect(statusesIn(await say(`${POST}${rest}GET /v2 HTTP/1.1\r\nhost: a\r\n\r\n`))).toEqual([400]);
  });

  it('that is longer than its length begins another request, which is none', async () => {
    expect(statusesIn(await say(`${POST}${LENGTH}\r\n${ROW}${ROW}`)).at(-1)).toBe(400);
  });

  it('that never comes, from a client that goes, is nobody’s fault', async () => {
    const socket = connect(target.server.ports.http, '127.0.0.1');
    socket.write(`${POST}content-length: 1000\r\n\r\n{"inputs"`);
    await sleep(100);
    socket.destroy();
    await sleep(100);
  });
});

describe('a request that is right', () => {
  const bytes = (whole: string) => Array.from(whole);

  it.each<[string, readonly string[], readonly number[]]>([
    ['in pieces', [...bytes(POST), CLOSE, LENGTH, '\r\n', ...bytes(ROW)], [200]],
    [
      'in chunks of a byte',
      [POST + CLOSE + CHUNKED, '\r\n', ...bytes(ROW).map((byte) => `1\r\n${byte}\r\n`), '0\r\n\r\n'],
      [200],
    ],
    [
      'three at once',
      [`${POST}${LENGTH}\r\n${ROW}${POST}${LENGTH}\r\n${ROW}${POST}${LENGTH}${CLOSE}\r\n${ROW}`],
      [200, 200, 200],
    ],
    ['of HTTP/1.0', [`POST /v2/models/add/infer HTTP/1.0\r\n${LENGTH}\r\n${ROW}`], [200]],
    ['with an address before its path', [`GET http://a.example/v2 HTTP/1.1\r\nhost: a\r\n${CLOSE}\r\n`], [200]],
    [
      'that offers HTTP/2',
      [
        `${POST}connection: upgrade, http2-settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n${LENGTH}\r\n${ROW}`,
      ],
      [200],
    ],
    ['that waits to be told to go on', [`${POST}expect: 100-continue\r\n${CLOSE}${LENGTH}\r\n`, ROW], [100, 200]],
  ])('is answered: %s', async (_, pieces, statuses) => {
    expect(statusesIn(await say(...pieces))).toEqual(statuses);
  });

  it('is answered by model control, too, when it offers HTTP/2', async () => {
    const request = `POST /v2/repository/index HTTP/1.1\r\nhost: a\r\nconnection: upgrade, close\r\nupgrade: h2c\r\ncontent-length: 0\r\n\r\n`;

    expect(statusesIn(await talk(target.server.ports.admin ?? 0, request))).toEqual([200]);
  });
});

describe('a head', () => {
  it.each([
    ['without a host', 'GET /v2 HTTP/1.1\r\n\r\n', 400],
    ['of another version', 'GET /v2 HTTP/3.0\r\n\r\n', 400],
    ['with a method that is none', 'G\0T /v2 HTTP/1.1\r\nhost: a\r\n\r\n', 400],
    ['that is too long', `GET /v2 HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, 431],
    ['with too many lines', `GET /v2 HTTP/1.1\r\nhost: a\r\n${'x: y\r\n'.repeat(5000)}\r\n`, 431],
    ['whose path is too long', `GET /v2/models/${'m'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`, 431],
    ['that expects what there is not', `${POST}expect: miracles\r\n${CLOSE}${LENGTH}\r\n${ROW}`, 417],
  ])('is refused: %s', async (_, request, status) => {
    expect(statusesIn(await say(request))).toEqual([status]);
  });

  it.each(['', ' ', '0x46', '1e1', '-0', '+70', '70, 70', 'Infinity', '9'.repeat(30)])(
    'may not say of the JSON that it has %j bytes',
    async (length) => {
      const answer = await say(`${POST}${CLOSE}inference-header-content-length: ${length}\r\n${LENGTH}\r\n${ROW}`);

      expect(statusesIn(answer)).toEqual([400]);
      expect(answer).toContain('must be the number of bytes of JSON');
    },
  );
});

describe('a compressed body', () => {
  const send = async (encoding: string, body: Uint8Array, headers = {}) => {
    const { status, json } = await target.server.post('/v2/models/add/infer', body, {
      'content-encoding': encoding,
      ...headers,
    });
    return `${status} ${(json as { error?: string }).error ?? 'answered'}`;
  };

  it.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'gzip, gzip', 'br', ''])(
    'is not taken as %j',
    async (encoding) => {
      expect(await send(encoding, Buffer.from(ROW))).toBe(
        '400 the content encoding must be identity, gzip, deflate or none',
      );
    },
  );

  it('may be named in capital letters', async () => {
    expect(await send('GZIP', gzipSync(ROW))).toBe('200 answered');
  });

  it('is refused when it is cut short, and when it grows too much', async () => {
    const bomb = gzipSync(Buffer.alloc(65 * MIB));

    expect(await send('gzip', gzipSync(ROW).subarray(0, -4))).toBe(
      '400 the body is not gzip, as its content encoding says',
    );
    expect(await send('gzip', bomb)).toMatch(/^413 the body is larger than 4194304 bytes/);
    expect(await send('gzip', bomb, { 'inference-header-content-length': '5' })).toMatch(/^413 .* 67108864 bytes/);
  });

  it('waits for its turn, so that twenty bombs take no more memory than a few', async () => {
    const bomb = gzipSync(Buffer.alloc(63 * MIB));
    const before = target.peakMemory();
    const bombs = Array.from({ length: 20 }, () => send('gzip', bomb, { 'inference-header-content-length': '5' }));

    expect(await target.askDuring(Promise.all(bombs))).toBeGreaterThan(0);
    expect(new Set(await Promise.all(bombs))).toEqual(new Set(['400 the body is not valid JSON']));
    expect(target.peakMemory() - before).toBeLessThan(12 * 63 * MIB);
  }, 120_000);
});

describe('a body that is too much', () => {
  it('in pieces of a byte is refused before they have all come', async () => {
    const flood = Buffer.from('1\r\n \r\n'.repeat(200_000));
    const attack = say(`${POST}${CHUNKED}\r\n`, flood);

    expect(await target.askDuring(attack)).toBeGreaterThan(0);
    expect(statusesIn(await attack)).toEqual([400]);
    expect(await attack).toContain('too many small pieces');
  });

  it('for all connections together is refused, and others are answered', async () => {
    const head = `${POST}inference-header-content-length: 5\r\ncontent-length: ${64 * MIB}\r\n\r\n`;
    const body = Buffer.alloc(63 * MIB);
    const sockets = Array.from({ length: 12 }, () => {
      const socket = connect(target.server.ports.http, '127.0.0.1').on('error', () => {});
      socket.write(head);
      socket.write(body);
      return socket;
    });
    const refusals = sockets.map(async (socket) => ((await once(socket, 'data')) as [Buffer])[0].toString());
    const first = Promise.race(refusals);

    await target.askDuring(first);
    expect(await first).toMatch(/^HTTP\/1\.1 503 [^]*holds too many requests that have not arrived in full/);
    for (const socket of sockets) socket.destroy();
  });
});
