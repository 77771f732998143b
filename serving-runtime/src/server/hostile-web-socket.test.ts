/** Frames of WebSocket that are broken, too large, too many, or never come to an end. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { statusesIn, talk } from '../testing/raw-http1.ts';
import { startTarget } from '../testing/target.ts';
import type { Target } from '../testing/target.ts';

let target: Target;
beforeAll(async () => {
  target = await startTarget();
});
afterAll(() => target.stop());
afterEach(() => target.expectWell());

const MIB = 1024 * 1024;
const ROW = '{"inputs":[{"name":"x","shape":[1,2],"datatype":"FP32","data":[2,3]}]}';
const upgrade = (model: string, method = 'GET', more = 'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n') =>
  `${method} /v2/models/${model}/stream HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\n${more}\r\n`;

const Opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9 } as const;
const FINAL = 0x80;
const MASKED = 0x80;

/** With a mask of zeros, and the length in as few bytes as it takes; `first` is the opcode with its flags. */
function frame(first: number, payload: Uint8Array | string = '', mask = MASKED): Buffer {
  const body = Buffer.from(payload);
  const long = Buffer.alloc(8);
  long.writeBigUInt64BE(BigInt(body.length));
  const length =
    body.length < 126
      ? [mask | body.length]
      : body.length < 65_536
        ? [mask | 126, ...long.subarray(6)]
        : [mask | 127, ...long];
  return Buffer.concat([Buffer.from([first, ...length]), Buffer.alloc(mask === MASKED ? 4 : 0), body]);
}

async function open(model: string): Promise<Socket> {
  const socket = connect({ port: target.server.ports.http, host: '127.0.0.1', noDelay: true }).on('error', () => {});
  socket.write(upgrade(model));
  await once(socket, 'data');
  return socket;
}

const closed = (socket: Socket) => new Promise<void>((resolve) => socket.once('close', () => resolve()));

/** The code with which the server closes after these frames; undefined where it goes without one. */
async function codeAfter(...frames: readonly Uint8Array[]): Promise<number | undefined> {
  const socket = await open('add');
  const seen: Buffer[] = [];
  socket.on('data', (data: Buffer) => seen.push(data));
  for (const each of frames) socket.write(each);
  await closed(socket);
  const answer = Buffer.concat(seen);
  return answer[0] === (FINAL | Opcode.close) ? answer.readUInt16BE(2) : undefined;
}

describe('a frame', () => {
  const length64 = (bytes: readonly number[]) =>
    Buffer.from([FINAL | Opcode.binary, MASKED | 127, ...bytes, 0, 0, 0, 0]);

  it.each<[string, readonly Uint8Array[], number]>([
    ['without a mask', [frame(FINAL | Opcode.text, ROW, 0)], 1002],
    ['that is compressed, which was not agreed on', [frame(FINAL | 0x40 | Opcode.text, ROW)], 1002],
    ['of a kind that there is not', [frame(FINAL | 3, ROW)], 1002],
    ['that goes on with nothing', [frame(FINAL | Opcode.continuation, ROW)], 1002],
    ['that begins a message within another', [frame(Opcode.text, '{'), frame(Opcode.text, '{')], 1002],
    ['of control in parts', [frame(Opcode.ping, 'a')], 1002],
    ['of control that is too long', [frame(FINAL | Opcode.ping, Buffer.alloc(126))], 1002],
    ['that closes with half a code', [frame(FINAL | Opcode.close, Buffer.of(3))], 1002],
    ['that closes with a code that is none', [frame(FINAL | Opcode.close, Buffer.of(0, 1))], 1002],
    ['of text that is not UTF-8', [frame(FINAL | Opcode.text, Buffer.of(0xff))], 1007],
    [
      'whose character ends in the next, and is none',
      [frame(Opcode.text, Buffer.of(0xe2)), frame(FINAL | Opcode.continuation, 'a')],
      1007,
    ],
    ['that is to be larger than 64 MiB', [length64([0, 0, 0, 0, 4, 0, 0, 1])], 1009],
    ['of 2^63 bytes', [length64([0x80, 0, 0, 0, 0, 0, 0, 0])], 1009],
    [
      'in too many parts',
      [Buffer.concat([frame(Opcode.text), ...Array.from({ length: 16_384 }, () => frame(Opcode.continuation))])],
      1008,
    ],
  ])('ends its connection: %s', async (_, frames, code) => {
    expect(await codeAfter(...frames)).toBe(code);
  });

  it('of a kind that asks for answers, many times, from one who takes none, ends it too', async () => {
    const socket = await open('add');
    const end = closed(socket);
    socket.pause();
    const pings = Buffer.concat(Array.from({ length: 10_000 }, () => frame(FINAL | Opcode.ping, Buffer.alloc(125))));
    while (!socket.destroyed) {
      socket.write(pings);
      await sleep(1);
    }
    await end;
  });

  it.each([
    ['text above 4 MiB', Opcode.text, Buffer.alloc(4 * MIB + 1, ' '), 'at most 4194304 bytes'],
    ['JSON that is too deep', Opcode.text, '['.repeat(10_000), 'nested deeper'],
    [
      'bytes with a length of JSON that is too long',
      Opcode.binary,
      Buffer.of(255, 255, 255, 255, 1),
      'length of its JSON',
    ],
    ['nothing', Opcode.text, '', 'not valid JSON'],
  ])('is answered with an error, and the stream goes on: %s', async (_, opcode, payload, message) => {
    const socket = await open('add');
    const answers: Buffer[] = [];
    socket.on('data', (data: Buffer) => answers.push(data));
    socket.write(frame(FINAL | opcode, payload));
    socket.write(frame(FINAL | Opcode.text, ROW));
    await expect.poll(() => Buffer.concat(answers).toString()).toMatch(/"error".*"data":\[5\]/s);
    expect(Buffer.concat(answers).toString()).toContain(message);
    socket.destroy();
  });
});

describe('an upgrade', () => {
  it.each([
    ['without a key', upgrade('add', 'GET', ''), 400],
    ['with a key that is none', upgrade('add', 'GET', 'sec-websocket-key: a\r\n'), 400],
    ['by POST', upgrade('add', 'POST'), 405],
    ['of a model that is not there', upgrade('..%2f..%2fetc'), 404],
  ])('is refused: %s', async (_, request, status) => {
    expect(statusesIn(await talk(target.server.ports.http, request))).toEqual([status]);
  });
});

describe('a client', () => {
  it('that takes no answers is not read any more', async () => {
    const [rows, columns] = [60, 16_000];
    const matrix = (name: string, shape: readonly [number, number]) => ({
      name,
      shape,
      datatype: 'FP32',
      parameters: { binary_data_size: 4 * shape[0] * shape[1] },
    });
    const inputs = [matrix('a', [rows, 1]), matrix('b', [1, columns])];
    const json = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(json.length);
    // 64 kilobytes that are answered by four megabytes.
    const request = frame(FINAL | Opcode.binary, Buffer.concat([length, json, Buffer.alloc(4 * (rows + columns))]));
    const before = target.peakMemory();
    const socket = await open('product');
    socket.pause();
    const memory = () => target.peakMemory() - before;
    let taken = 0;
    const send = () => {
      socket.write(request, () => {
        taken += 1;
        if (taken < 2000) send();
      });
    };
    send();
    let lastTaken: number;
    do {
      lastTaken = taken;
      await target.askDuring(sleep(3000));
    } while (taken > lastTaken && memory() < 700 * MIB);

    expect(taken).toBeLessThan(2000);
    expect(memory()).toBeLessThan(700 * MIB);
    socket.destroy();
  }, 60_000);

  it('or many, that do not complete their messages, have a bound for all of them together', async () => {
    const begun = frame(FINAL | Opcode.binary, Buffer.alloc(60 * MIB)).subarray(0, -1);
    const sockets = await Promise.all(Array.from({ length: 12 }, () => open('add')));
    for (const socket of sockets) socket.write(begun);
    await target.askDuring(Promise.race(sockets.map(closed)));

    expect(sockets.some((socket) => !socket.destroyed)).toBe(true);
    for (const socket of sockets) socket.destroy();
  });
});
