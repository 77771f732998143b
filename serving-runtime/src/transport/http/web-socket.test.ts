import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { addModel, productModel } from '../../testing/onnx-model.ts';
import { startServer } from '../../testing/running-server.ts';
import type { RunningServer } from '../../testing/running-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer({ 'add/1/model.onnx': addModel(), 'product/1/model.onnx': productModel() });
});
afterAll(() => server.stop());

const row = (a: number, b: number, more: object = {}) =>
  JSON.stringify({ inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [a, b] }], ...more });

interface Connection {
  readonly socket: WebSocket;
  next(): Promise<Buffer>;
}

async function open(path = '/v2/models/add/stream', of = server, headers = {}): Promise<Connection> {
  const socket = new WebSocket(of.url.replace('http', 'ws') + path, { headers });
  onTestFinished(() => socket.terminate());
  const frames: Buffer[] = [];
  socket.on('message', (frame: Buffer) => frames.push(frame));
  await once(socket, 'open');
  return {
    socket,
    next: async () => {
      while (frames.length === 0) await once(socket, 'message');
      return frames.shift() ?? Buffer.alloc(0);
    },
  };
}

const text = async (connection: Connection): Promise<unknown> => JSON.parse((await connection.next()).toString());

it('answers in the order of the requests, and says what failed in between', async () => {
  const connection = await open();
  for (let number = 0; number < 100; number += 1) connection.socket.send(row(number, 1, { id: String(number) }));
  connection.socket.send(row(1, 1, { id: 'bad', outputs: [{ name: 'nope' }] }));
  connection.socket.send('{');
  connection.socket.send(row(2, 2));

  for (let number = 0; number < 100; number += 1) {
    expect(await text(connection)).toMatchObject({ id: String(number), outputs: [{ data: [number + 1] }] });
  }
  expect(await text(connection)).toMatchObject({ id: 'bad', error: expect.stringContaining('it has: sum') });
  expect(await text(connection)).toEqual({ error: 'the body is not valid JSON' });
  expect(await text(connection)).toMatchObject({ outputs: [{ data: [4] }] });
});

it('keeps the order, and text remains text, when a frame is so long that another thread reads it', async () => {
  const { socket } = await open();
  const frames: unknown[] = [];
  socket.on('message', (frame: Buffer, isBinary) => {
    frames.push([isBinary, (JSON.parse(frame.toString()) as { id: string }).id]);
  });
  socket.send(' '.repeat(300 * 1024) + row(1, 1, { id: 'long' }));
  socket.send(row(1, 1, { id: 'short' }));

  await expect.poll(() => frames).toEqual([[false, 'long'], [false, 'short']]); // prettier-ignore
});

it('takes and gives tensors as bytes', async () => {
  const connection = await open();
  const input = { name: 'x', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } };
  const json = Buffer.from(JSON.stringify({ inputs: [input], parameters: { binary_data_output: true } }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(json.length);
  connection.socket.send(Buffer.concat([length, json, new Uint8Array(Float32Array.of(1, 2).buffer)]));
  connection.socket.send(Buffer.from([1, 0]));

  const answer = await connection.next();
  expect(answer.readFloatLE(4 + answer.readUInt32LE())).toBe(3);
  expect(await text(connection)).toMatchObject({ error: expect.stringContaining('length of its JSON') });
});

describe('an upgrade', () => {
  it.each([
    ['of an unknown model', '/v2/models/nope/stream', {}, 404],
    ['at another path', '/v2/health/live', {}, 404],
    ["by another's page", '/v2/models/add/stream', { origin: 'https://evil.example' }, 400],
  ])('is refused: %s', async (...[, path, headers, status]) => {
    const socket = new WebSocket(server.url.replace('http', 'ws') + path, { headers });
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }];
    socket.on('error', () => {}).terminate();

    expect(response.statusCode).toBe(status);
  });
});

it('has its answers before the server goes', async () => {
  const stopping = await startServer({ 'add/1/model.onnx': addModel() }, ['--drain-seconds', '1']);
  const connection = await open(undefined, stopping);
  stopping.process.kill('SIGTERM');
  connection.socket.send(row(1, 2));
  const [code] = (await once(connection.socket, 'close')) as [number];

  expect(await text(connection)).toMatchObject({ outputs: [{ data: [3] }] });
  expect(code).toBe(1001);
  expect(await stopping.ended).toBe(0);
});
