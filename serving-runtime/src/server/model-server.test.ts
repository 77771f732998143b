/** A real server process, asked over both protocols. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grpcClient } from '../testing/grpc-client.ts';
import type { GrpcClient } from '../testing/grpc-client.ts';
import { addModel, identityModel, pickyModel, productModel } from '../testing/onnx-model.ts';
import { startServer } from '../testing/running-server.ts';
import type { RunningServer } from '../testing/running-server.ts';

let server: RunningServer;
let grpc: GrpcClient;
beforeAll(async () => {
  server = await startServer(
    {
      'add/1/model.onnx': addModel(),
      'add/3/model.onnx': addModel(),
      'text/1/model.onnx': identityModel('STRING'),
      'big/1/model.onnx': identityModel('INT64'),
      'flag/1/model.onnx': identityModel('BOOL'),
      'small/1/model.onnx': identityModel('INT8'),
      'picky/1/model.onnx': pickyModel(),
    },
    ['--revision', 'r-1'],
  );
  grpc = grpcClient(server.ports.http);
});
afterAll(async () => {
  grpc.close();
  await server.stop();
});

it('tells while it starts which model of how many it loads, and what they weigh', () => {
  const steps = server.log.filter(({ msg }) => msg === 'loading');
  const [ready] = server.log.filter(({ msg }) => msg === 'ready');

  expect(steps.map(({ position, total, model }) => `${String(position)}/${String(total)} ${String(model)}`)).toEqual([
    '1/6 add',
    '2/6 big',
    '3/6 flag',
    '4/6 picky',
    '5/6 small',
    '6/6 text',
  ]);
  expect(steps.every(({ bytes, seconds }) => Number(bytes) > 0 && Number(seconds) > 0)).toBe(true);
  expect(ready).toMatchObject({ models: 6, versions: 7, bytes: expect.any(Number), seconds: expect.any(Number) });
});

const x = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [2, 3] };
const infer = '/v2/models/add/infer';

describe('REST', () => {
  it('answers with the newest version, the id that was given, and which revision it is', async () => {
    const { status, json, headers } = await server.post(infer, { id: 'ä-1', inputs: [x] });

    expect(status).toBe(200);
    expect(json).toEqual({
      model_name: 'add',
      model_version: '3',
      id: 'ä-1',
      outputs: [{ name: 'sum', datatype: 'FP32', shape: [1, 1], data: [5] }],
    });
    expect(headers.get('x-slipway-revision')).toBe('r-1');
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('takes nested data, another version, and a body without a content type', async () => {
    const { json } = await server.post('/v2/models/add/versions/1/infer', {
      inputs: [
        {
          ...x,
          shape: [2, 2],
          data: [
            [1, 2],
            [3, 4],
          ],
        },
      ],
    });

    expect(json).toMatchObject({ model_version: '1', outputs: [{ shape: [2, 1], data: [3, 7] }] });
  });

  it('takes and gives tensors as bytes', async () => {
    const head = Buffer.from(
      JSON.stringify({
        inputs: [{ name: 'x', shape: [1, 2], datatype: 'FP32', parameters: { binary_data_size: 8 } }],
        outputs: [{ name: 'sum', parameters: { binary_data: true } }],
      }),
    );
    const body = Buffer.concat([head, new Uint8Array(Float32Array.from([0.5, 0.25]).buffer)]);
    const response = await fetch(server.url + infer, {
      method: 'POST',
      body,
      headers: { 'inference-header-content-length': String(head.length) },
    });
    const bytes = Buffer.from(await response.arrayBuffer());

    expect(bytes.readFloatLE(Number(response.headers.get('inference-header-content-length')))).toBe(0.75);
  });

  it('keeps 64-bit integers and text as they are', async () => {
    const body = `{"inputs":[{"name":"x","shape":[1],"datatype":"INT64","data":[9007199254740991]}]}`;
    const text = await server.post('/v2/models/text/infer', {
      inputs: [{ name: 'x', shape: [2], datatype: 'BYTES', data: ['ä', ''] }],
    });

    expect((await server.post('/v2/models/big/infer', body)).json).toMatchObject({
      outputs: [{ data: [9007199254740991] }],
    });
    expect(text.json).toMatchObject({ outputs: [{ datatype: 'BYTES', data: ['ä', ''] }] });
  });

  it('says what it serves', async () => {
    const metadata = await (await fetch(`${server.url}/v2/models/add`)).json();
    const ready = await fetch(`${server.url}/v2/health/ready`);

    expect(metadata).toMatchObject({ versions: ['1', '3'], inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }] });
    expect(await ready.json()).toEqual({ ready: true });
    expect(ready.headers.get('content-type')).toBe('application/json');
  });

  const deep = `{"inputs":${'['.repeat(5000)}${']'.repeat(5000)}}`;
  it.each<[string, string, unknown, number, string]>([
    ['an unknown model', '/v2/models/nope/infer', { inputs: [x] }, 404, 'there is no model'],
    ['an unknown version', '/v2/models/add/versions/9/infer', { inputs: [x] }, 404, 'version'],
    ['a name that climbs', '/v2/models/..%2f..%2fetc/infer', { inputs: [x] }, 404, 'there is no model'],
    ['no JSON', infer, '{"inputs"', 400, 'not valid JSON'],
    ['JSON that is too deep', infer, deep, 400, 'nested deeper'],
    ['a list for a body', infer, [], 400, 'must be a JSON object'],
    ['an input that is not there', infer, { inputs: [{ ...x, name: 'y' }] }, 400, 'it has: x'],
    ['an input twice', infer, { inputs: [x, x] }, 400, 'there twice'],
    ['no input', infer, { inputs: [] }, 400, 'is missing'],
    ['another datatype', infer, { inputs: [{ ...x, datatype: 'FP64' }] }, 400, 'must be FP32'],
    ['a datatype that is none', infer, { inputs: [{ ...x, datatype: 'FLOAT' }] }, 400, 'no datatype'],
    ['another shape', infer, { inputs: [{ ...x, shape: [2, 1] }] }, 400, 'must have the shape [-1, 2]'],
    ['too few elements', infer, { inputs: [{ ...x, data: [1] }] }, 400, 'has 1 elements'],
    ['too many elements', infer, { inputs: [{ ...x, data: [1, 2, 3] }] }, 400, 'elements; its shape needs 2'],
    ['a negative size', infer, { inputs: [{ ...x, shape: [-1, -2] }] }, 400, 'whole numbers'],
    ['a size that wraps', infer, { inputs: [{ ...x, shape: [2 ** 53, 2 ** 11] }] }, 400, 'more elements'],
    [
      'a thousand dimensions',
      infer,
      { inputs: [{ ...x, shape: Array.from({ length: 1000 }, () => 1) }] },
      400,
      'dimensions',
    ],
    ['text for a number', infer, { inputs: [{ ...x, data: ['1', 2] }] }, 400, 'element 0'],
    [
      'an integer that does not fit',
      '/v2/models/small/infer',
      { inputs: [{ name: 'x', shape: [1], datatype: 'INT8', data: [300] }] },
      400,
      'is no INT8',
    ],
    [
      'a fraction for an integer',
      '/v2/models/small/infer',
      { inputs: [{ name: 'x', shape: [1], datatype: 'INT8', data: [1.5] }] },
      400,
      'is no INT8',
    ],
    [
      'a number for a truth',
      '/v2/models/flag/infer',
      { inputs: [{ name: 'x', shape: [1], datatype: 'BOOL', data: [1] }] },
      400,
      'is no BOOL',
    ],
    [
      'text with NUL',
      '/v2/models/text/infer',
      { inputs: [{ name: 'x', shape: [1], datatype: 'BYTES', data: ['a\0b'] }] },
      400,
      'NUL',
    ],
    ['an output that is not there', infer, { inputs: [x], outputs: [{ name: 'label' }] }, 400, 'it has: sum'],
    ['an output twice', infer, { inputs: [x], outputs: [{ name: 'sum' }, { name: 'sum' }] }, 400, 'twice'],
    [
      'inputs that do not fit together',
      '/v2/models/picky/infer',
      {
        inputs: [
          { name: 'a', shape: [2], datatype: 'FP32', data: [1, 2] },
          { name: 'b', shape: [3], datatype: 'FP32', data: [1, 2, 3] },
        ],
      },
      400,
      'could not run',
    ],
    ['a body above 4 MiB', infer, ' '.repeat(4 * 1024 * 1024 + 1), 413, 'larger than'],
  ])('refuses %s', async (...[, path, body, status, message]) => {
    const answer = await server.post(path, body);

    expect({ status: answer.status, error: answer.json['error'] }).toEqual({
      status,
      error: expect.stringContaining(message),
    });
    expect(String(answer.json['error'])).not.toMatch(/onnxruntime|\/tmp\/|node:/);
  });

  it('answers 404 for what is not there and 405 for the wrong method', async () => {
    const [nothing, wrong] = await Promise.all([fetch(`${server.url}/v1/x`), fetch(server.url + infer)]);

    expect([nothing.status, wrong.status]).toEqual([404, 405]);
  });
});

describe('gRPC', () => {
  const request = (more: object = {}) => ({
    model_name: 'add',
    inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [2, 3] } }],
    ...more,
  });

  it('answers on the same port as REST, and on its own', async () => {
    const own = grpcClient(server.ports.grpc);
    const { answer, metadata } = await grpc.call('ModelInfer', request({ id: 'a' }));

    expect(answer).toMatchObject({ model_version: '3', id: 'a', outputs: [{ contents: { fp32_contents: [5] } }] });
    expect(metadata.get('x-slipway-revision')).toEqual(['r-1']);
    expect((await own.call('ServerReady', {})).answer).toEqual({ ready: true });
    own.close();
  });

  it('answers raw contents with raw contents', async () => {
    const raw = Buffer.from(Float32Array.from([1, 1]).buffer);
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2] }];
    const { answer } = await grpc.call('ModelInfer', request({ inputs, raw_input_contents: [raw] }));

    const [output] = answer['raw_output_contents'] as Buffer[];

    expect(output?.readFloatLE()).toBe(2);
  });

  it('is what grpc.health.v1 asks for', async () => {
    const health = grpcClient(server.ports.http, 'health');

    expect((await health.call('Check', {})).answer).toEqual({ status: 'SERVING' });
    health.close();
  });

  it.each<[string, object, number, string]>([
    ['an unknown model', request({ model_name: 'nope' }), 5, 'there is no model'],
    ['an input that is missing', request({ inputs: [] }), 3, 'is missing'],
    [
      'raw contents for half of the inputs',
      request({ raw_input_contents: [Buffer.alloc(8), Buffer.alloc(8)] }),
      3,
      'raw_input_contents',
    ],
    ['raw contents and contents', request({ raw_input_contents: [Buffer.alloc(8)] }), 3, 'both'],
  ])('refuses %s', async (_, body, code, message) => {
    await expect(grpc.call('ModelInfer', body)).rejects.toMatchObject({
      code,
      details: expect.stringContaining(message),
    });
  });

  it('says UNIMPLEMENTED to what it does not do', async () => {
    const { status, headers } = await fetch(`${server.url}/inference.GRPCInferenceService/RepositoryIndex`);

    expect(status).toBe(404);
    expect(headers.get('content-type')).toBe('application/json');
  });
});

it('stays well after Content-Length and chunks in one request', async () => {
  const socket = connect(server.ports.http, '127.0.0.1');
  socket.write(
    'POST /v2/models/add/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  );
  const answer = await new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
  socket.destroy();

  expect(answer).toMatch(/^HTTP\/1\.1 400/);
  expect((await server.post(infer, { inputs: [x] })).status).toBe(200);
});

describe('a server whose model is broken', () => {
  it('lives, is not ready, and says why without the words of ONNX Runtime', async () => {
    const broken = await startServer({ 'add/1/model.onnx': Buffer.from('not a model') });
    const ready = await fetch(`${broken.url}/v2/health/ready`);
    const live = await fetch(`${broken.url}/v2/health/live`);

    expect([live.status, ready.status]).toEqual([200, 503]);
    expect(await ready.json()).toEqual({
      ready: false,
      error: 'model add: version 1: the file is no ONNX model that this server can open',
    });
    expect(await broken.post(infer, { inputs: [x] })).toMatchObject({
      status: 503,
      json: { error: expect.stringContaining('model "add" is not served: version 1: the file is no ONNX model') },
    });
    await broken.stop();
  });

  it('is not ready without any model either', async () => {
    const empty = await startServer({ README: Buffer.from('') });

    expect((await fetch(`${empty.url}/v2/health/ready`)).status).toBe(503);
    await empty.stop();
  });
});

describe('SIGTERM', () => {
  it('loses no request: not ready at once, answering while clients turn away, then gone with exit code 0', async () => {
    const draining = await startServer({ 'add/1/model.onnx': addModel() }, ['--drain-seconds', '1']);
    const client = grpcClient(draining.ports.http);
    const contents = { fp32_contents: [1, 2] };
    const request = { model_name: 'add', inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 2], contents }] };
    const results: string[] = [];
    let stop = false;
    const ask = async () => {
      while (!stop) {
        const { status } = await draining.post(infer, { inputs: [x] });
        await client.call('ModelInfer', request);
        results.push(String(status));
      }
    };
    const asking = Promise.all([ask(), ask()]);
    await sleep(200);
    draining.process.kill('SIGTERM');
    await sleep(100);
    const ready = await fetch(`${draining.url}/v2/health/ready`);
    await sleep(400);
    stop = true;
    await asking.finally(() => client.close());

    expect(ready.status).toBe(503);
    expect(new Set(results)).toEqual(new Set(['200']));
    expect(await draining.ended).toBe(0);
  });

  it('waits for what runs', async () => {
    const stopping = await startServer({ 'product/1/model.onnx': productModel() }, ['--drain-seconds', '0']);
    const answer = multiply(stopping, 1_900);
    await sleep(100);
    stopping.process.kill('SIGTERM');

    expect((await (await answer).arrayBuffer()).byteLength).toBeGreaterThan(1_900 ** 2 * 4);
    expect(await stopping.ended).toBe(0);
  });

  it('is no crash while a model runs for somebody who does not wait any more', async () => {
    const stopping = await startServer({ 'product/1/model.onnx': productModel() }, ['--drain-seconds', '0']);
    const { status } = await multiply(stopping, 2_800, { timeout: 200_000 });
    stopping.process.kill('SIGTERM');

    expect(status).toBe(504);
    expect(await stopping.ended).toBe(0);
  });
});

/** Of two matrices with so many rows and columns, all zero. */
function multiply({ url }: RunningServer, size: number, parameters: object = {}): Promise<Response> {
  const matrix = (name: string) => ({
    name,
    shape: [size, size],
    datatype: 'FP32',
    parameters: { binary_data_size: size * size * 4 },
  });
  const head = Buffer.from(
    JSON.stringify({
      parameters,
      inputs: [matrix('a'), matrix('b')],
      outputs: [{ name: 'c', parameters: { binary_data: true } }],
    }),
  );
  const body = Buffer.concat([head, Buffer.alloc(2 * size * size * 4)]);
  const headers = { 'inference-header-content-length': String(head.length) };
  return fetch(`${url}/v2/models/product/infer`, { method: 'POST', body, headers });
}
