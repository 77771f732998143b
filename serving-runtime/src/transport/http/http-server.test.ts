/** What HTTP has beside JSON inferences: bytes, compression, KServe's protocol v1, statistics, model control, browsers. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text as textOf } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addModel, identityModel, productModel } from '../../testing/onnx-model.ts';
import { startServer } from '../../testing/running-server.ts';
import type { RunningServer } from '../../testing/running-server.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startServer(
    {
      'add/1/model.onnx': addModel(),
      'half/1/model.onnx': identityModel('FP16'),
      'text/1/model.onnx': identityModel('STRING'),
      'big/1/model.onnx': identityModel('INT64'),
      'matrix/1/model.onnx': identityModel('FP32', ['n', 'm']),
      'product/1/model.onnx': productModel(),
    },
    ['--admin-port=0', '--cors-origins=https://a.example'],
  );
});
afterAll(() => server.stop());

const ROW = { inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', data: [2, 3] }] };
const INFER = '/v2/models/add/infer';
const floats = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);

async function postRaw(
  path: string,
  body: Uint8Array | string,
): Promise<{ status: number; bytes: Buffer; json: string }> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    body,
    headers: { 'inference-header-content-length': '0' },
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const length = Number(response.headers.get('inference-header-content-length') ?? bytes.length);
  return { status: response.status, bytes: bytes.subarray(length), json: bytes.subarray(0, length).toString() };
}

const getJson = async (path: string): Promise<Record<string, unknown>> =>
  (await (await fetch(server.url + path)).json()) as Record<string, unknown>;

describe('a body that is one tensor', () => {
  it('is answered with bytes; its rows follow from its length', async () => {
    const { bytes } = await postRaw(INFER, floats(1, 2, 3, 4));

    expect([bytes.readFloatLE(0), bytes.readFloatLE(4)]).toEqual([3, 7]);
    expect((await postRaw('/v2/models/matrix/infer', floats(1, 2, 3))).json).toContain('"shape":[1,3]');
    expect((await postRaw('/v2/models/text/infer', 'ä')).bytes.subarray(4).toString()).toBe('ä');
  });

  it.each([
    ['half a row', INFER, floats(1, 2, 3), 'does not fill the shape [-1, 2]'],
    ['half a number', INFER, Buffer.alloc(7), 'does not fill the shape'],
    ['a model with two inputs', '/v2/models/product/infer', floats(1), 'needs a model with one input; this one has 2'],
  ])('is refused with %s', async (_, path, body, message) => {
    const answer = await postRaw(path, body);

    expect([answer.status, answer.json]).toEqual([400, expect.stringContaining(message)]);
  });
});

describe('FP16', () => {
  it('comes and goes as numbers and as bytes', async () => {
    const inputs = [{ name: 'x', shape: [2], datatype: 'FP16', data: [0.1, -2] }];

    expect((await server.post('/v2/models/half/infer', { inputs })).json).toMatchObject({
      outputs: [{ datatype: 'FP16', data: [0.099975586, -2] }],
    });
    expect((await postRaw('/v2/models/half/infer', Buffer.from([0x00, 0x3c]))).bytes).toEqual(
      Buffer.from([0x00, 0x3c]),
    );
  });
});

describe('compressed bodies', () => {
  const text = JSON.stringify(ROW);

  it.each([
    ['gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
  ])('are read: %s', async (encoding, body) => {
    expect((await server.post(INFER, body, { 'content-encoding': encoding })).status).toBe(200);
  });

  it.each([
    ['a bomb', 'gzip', gzipSync(Buffer.alloc(50 * 1024 * 1024)), 413, 'larger than 4194304 bytes'],
    ['what is not compressed', 'gzip', text, 400, 'the body is not gzip'],
    ['an encoding that is not known', 'br', text, 400, 'must be identity, gzip, deflate'],
  ])('are refused: %s', async (...[, encoding, body, status, message]) => {
    const answer = await server.post(INFER, body, { 'content-encoding': encoding });

    expect([answer.status, answer.json['error']]).toEqual([status, expect.stringContaining(message)]);
  });
});

describe("KServe's protocol v1", () => {
  it('takes rows, and columns', async () => {
    const rows = await server.post('/v1/models/add:predict', { instances: [[1, 2], [3, 4]] }); // prettier-ignore
    const columns = await server.post('/v1/models/add:predict', { inputs: { x: [[1, 2]] } });
    const named = await server.post('/v1/models/product:predict', { inputs: { a: [[2]], b: [[3]] } });

    expect([rows.json, columns.json, named.json]).toEqual([
      { predictions: [[3], [7]] },
      { predictions: [[3]] },
      { predictions: [[6]] },
    ]);
    expect(await getJson('/v1/models')).toEqual({ models: ['add', 'big', 'half', 'matrix', 'product', 'text'] });
    expect(await getJson('/v1/models/add')).toEqual({ name: 'add', ready: true });
    expect(await getJson('/')).toEqual({ status: 'alive' });
  });

  it('takes rows with names', async () => {
    const { json } = await server.post('/v1/models/text:predict', { instances: [{ x: 'a' }, { x: 'b' }] });

    expect(json).toEqual({ predictions: ['a', 'b'] });
  });

  it.each([
    ['neither', {}, 'give "instances" (rows) or "inputs" (columns)'],
    ['rows of different lengths', { instances: [[1, 2], [3]] }, 'has 3 elements; its shape needs 4'],
    ['rows of another width', { instances: [[1, 2, 3]] }, 'must have the shape [-1, 2]'],
    ['rows without the input', { instances: [{ y: 1 }] }, 'input "x" is missing'],
    ['no list', { instances: 1 }, '"instances" must be a list'],
    ['no rows', { instances: [] }, 'must have the shape'],
  ])('refuses %s', async (_, body, message) => {
    const { status, json } = await server.post('/v1/models/add:predict', body);

    expect([status, json['error']]).toEqual([400, expect.stringContaining(message)]);
  });
});

it('says what a model has done, and how it is served', async () => {
  await server.post(INFER, ROW);
  await server.post(INFER, { inputs: [] });
  const stats = await getJson('/v2/models/add/stats');
  const ofAll = (await getJson('/v2/models/stats'))['model_stats'] as unknown[];

  expect(stats).toMatchObject({
    model_stats: [
      {
        name: 'add',
        version: '1',
        last_inference: expect.any(Number),
        inference_stats: {
          success: { count: expect.any(Number), ns: expect.any(Number) },
          fail: { count: expect.any(Number) },
        },
      },
    ],
  });
  expect(ofAll).toHaveLength(6);
  expect(await getJson('/v2/models/add/config')).toMatchObject({
    name: 'add',
    backend: 'onnxruntime',
    max_batch_size: expect.any(Number),
    input: [{ name: 'x', data_type: 'TYPE_FP32', dims: [2] }],
    instance_group: [{ kind: 'KIND_CPU', count: 1 }],
  });
});

describe('a request', () => {
  it('keeps the id that it came with, unless it is none', async () => {
    const ask = async (id: string) =>
      (await server.post(INFER, ROW, { 'x-request-id': id })).headers.get('x-request-id');

    expect(await ask('trace/1:a')).toBe('trace/1:a');
    expect(await ask('<script>')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('is answered in its own time', async () => {
    const size = 2_000;
    const matrix = (name: string) => ({
      name,
      shape: [size, size],
      datatype: 'FP32',
      parameters: { binary_data_size: size * size * 4 },
    });
    const head = Buffer.from(JSON.stringify({ parameters: { timeout: 5_000 }, inputs: [matrix('a'), matrix('b')] }));
    const body = Buffer.concat([head, Buffer.alloc(2 * size * size * 4)]);
    const { status, json } = await server.post('/v2/models/product/infer', body, {
      'inference-header-content-length': String(head.length),
    });

    expect([status, json['error']]).toEqual([504, 'there was no answer within 5 ms']);
  });

  it('is not worked on any more when its client has gone', async () => {
    const gone = request(`${server.url}${INFER}`, { method: 'POST' }).on('error', () => {});
    gone.end(JSON.stringify(ROW));
    gone.on('socket', (socket) => socket.once('connect', () => setImmediate(() => gone.destroy())));
    await sleep(100);

    expect((await server.post(INFER, ROW)).status).toBe(200);
  });
});

describe('while a body of the largest size is read, and its answer written', () => {
  const askHealth = async () => (await fetch(`${server.url}/v2/health/live`)).status;

  /** How many others have their answers between the last byte of a request and its own answer. */
  async function answersBefore(path: string, body: string): Promise<{ others: number; answer: string }> {
    const socket = connect(server.ports.http, '127.0.0.1');
    const head = `POST ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`;
    await new Promise<void>((resolve) => void socket.write(head + body.slice(0, -1), () => resolve()));
    // The server reads in between, so that by then it has all but the last byte.
    for (let round = 0; round < 200; round += 1) await askHealth();
    let isOver = false;
    const answer = textOf(socket);
    socket.once('readable', () => (isOver = true));
    socket.write(body.slice(-1));
    let others = 0;
    while (!isOver) {
      expect(await askHealth()).toBe(200);
      others += 1;
    }
    return { others, answer: await answer };
  }

  /** A few bytes below the limit of 4 MiB. */
  const COUNT = 2_097_000;
  const filled = (last: string) =>
    `{"inputs":[{"name":"x","datatype":"INT64","shape":[${COUNT}],"data":[${'1,'.repeat(COUNT - 1)}${last}]}]}`;

  it('the server goes on answering', async () => {
    const refused = await answersBefore('/v2/models/big/infer', filled('1.5'));
    const answered = await answersBefore('/v2/models/big/infer', filled('1'));

    expect(refused.answer).toMatch(/^HTTP\/1.1 400 [^]*is no INT64/);
    expect(answered.answer).toMatch(/^HTTP\/1.1 200 /);
    // While it parses on its own thread it answers nobody, but for one or two that came at the same moment.
    expect(refused.others).toBeGreaterThan(15);
    expect(answered.others).toBeGreaterThan(30);
  });
});

describe('browsers', () => {
  const preflight = (origin: string) =>
    fetch(server.url + INFER, { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } });

  it('may ask from the pages that are allowed, and from no others', async () => {
    const [allowed, other] = await Promise.all([preflight('https://a.example'), preflight('https://b.example')]);
    const answer = await server.post(INFER, ROW, { origin: 'https://a.example' });

    expect(allowed.status).toBe(204);
    expect(allowed.headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(other.headers.get('access-control-allow-origin')).toBeNull();
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://a.example');
  });
});

describe('model control', () => {
  const admin = async (path: string, body = '') => {
    const response = await fetch(`http://127.0.0.1:${server.ports.admin}/v2/repository/${path}`, {
      method: 'POST',
      body,
    });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };

  it('loads what was put there, and gives it up again', async () => {
    mkdirSync(`${server.repository}/late/1`, { recursive: true });
    writeFileSync(`${server.repository}/late/1/model.onnx`, addModel());

    expect((await server.post('/v2/models/late/infer', ROW)).status).toBe(404);
    expect(await admin('models/late/load')).toEqual({ status: 200, json: {} });
    expect((await server.post('/v2/models/late/infer', ROW)).status).toBe(200);
    expect((await admin('index', '{"ready": true}')).json).toContainEqual({
      name: 'late',
      version: '1',
      state: 'READY',
      reason: '',
    });
    expect(await admin('models/late/unload')).toEqual({ status: 200, json: {} });
    expect((await server.post('/v2/models/late/infer', ROW)).status).toBe(404);
    // Its log comes by a pipe of its own.
    const changes = () => server.log.filter(({ action }) => action === 'unload').map(({ model }) => model);
    await expect.poll(changes).toContain('late');
  });

  it.each([
    ['a model that is not there', 'models/none/load', '', 400, 'the repository has no folder of this name'],
    ['a name that climbs', 'models/..%2F..%2Fetc/load', '', 400, 'is no name for a model'],
    ['settings', 'models/add/load', '{"parameters": {"config": "{}"}}', 400, 'cannot be sent'],
    ['files', 'models/add/load', '{"parameters": {"file:1/../../x": "AA=="}}', 400, 'cannot be sent'],
    ['no JSON', 'index', '[', 400, 'not valid JSON'],
    ['a list', 'index', '[]', 400, 'the body must be a JSON object'],
    ['parameters that are none', 'models/add/load', '{"parameters": null}', 400, '"parameters" must be a JSON object'],
    ['a number for them', 'models/add/load', '{"parameters": 5}', 400, '"parameters" must be a JSON object'],
    ['what is not loaded', 'models/none/unload', '', 404, 'there is no model'],
  ])('refuses %s', async (...[, path, body, status, message]) => {
    const answer = await admin(path, body);

    expect([answer.status, answer.json['error']]).toEqual([status, expect.stringContaining(message)]);
  });

  it('is not on the port of the clients', async () => {
    expect((await server.post('/v2/repository/index', {})).status).toBe(404);
    expect((await admin('models/add/infer')).status).toBe(404);
  });
});
