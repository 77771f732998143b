/** A model with a step before it, which reads "2+3", and one after it, which says the sum in words. */
import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { grpcClient } from '../testing/grpc-client.ts';
import { readSettings } from '../engine/settings.ts';
import { addModel, encodeOnnxModel } from '../testing/onnx-model.ts';
import { startServer } from '../testing/running-server.ts';
import type { RunningServer } from '../testing/running-server.ts';
import { startStep } from '../testing/step-server.ts';
import type { StepBehaviour, StepServer } from '../testing/step-server.ts';

const READS: StepBehaviour = {
  inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }],
  outputs: [
    { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    { name: 'unit', datatype: 'BYTES', shape: [1] },
  ],
  infer: ({ inputs }) => {
    const texts = (inputs[0]?.data ?? []) as string[];
    const wrong = texts.find((text) => !/^\d+\+\d+$/.test(text));
    if (wrong !== undefined) return { status: 400, body: JSON.stringify({ error: `"${wrong}"\nis no sum` }) };
    const data = texts.flatMap((text) => text.split('+').map(Number));
    return [
      { name: 'x', datatype: 'FP32', shape: [texts.length, 2], data },
      { name: 'unit', datatype: 'BYTES', shape: [1], data: ['EUR'] },
    ];
  },
};
const SPEAKS: StepBehaviour = {
  inputs: [
    { name: 'sum', datatype: 'FP32', shape: [-1, 1] },
    { name: 'unit', datatype: 'BYTES', shape: [1] },
  ],
  outputs: [{ name: 'words', datatype: 'BYTES', shape: [-1] }],
  infer: ({ inputs }) => {
    const [sum, unit] = inputs;
    const data = (sum?.data ?? []).map((value) => `${String(value)} ${String(unit?.data[0])}`);
    return [{ name: 'words', datatype: 'BYTES', shape: [data.length], data }];
  },
};

const ask = (...data: string[]) => ({
  inputs: [{ name: 'text', datatype: 'BYTES', shape: [data.length], data }],
});

/** Until the connection ends. */
const hangs = () => new Promise<never>(() => {});

/** On a machine that has much else to do. */
const eventually = (look: () => unknown) => expect.poll(look, { timeout: 20_000 });

let before: StepServer;
let after: StepServer;
let server: RunningServer;

const settingsOf = (steps: object, more: object = {}) => `--settings=${JSON.stringify({ steps, ...more })}`;

async function startWith(steps: object, more: object = {}): Promise<RunningServer> {
  const started = await startServer({ 'add/1/model.onnx': addModel() }, [settingsOf(steps, more)]);
  onTestFinished(() => started.stop());
  return started;
}

async function readyOf(of: RunningServer): Promise<{ status: number; text: string }> {
  const response = await fetch(`${of.url}/v2/health/ready`);
  return { status: response.status, text: await response.text() };
}

beforeAll(async () => {
  before = await startStep(READS);
  after = await startStep(SPEAKS);
  const steps = { before: { url: before.url }, after: { url: after.url } };
  server = await startServer({ 'add/1/model.onnx': addModel() }, [settingsOf(steps)]);
});
beforeEach(() => {
  before.behave(READS);
  after.behave(SPEAKS);
});
afterAll(async () => {
  await server.stop();
  await before.stop();
  await after.stop();
});

describe('a model with steps', () => {
  it('takes what the first takes and gives what the last gives, whatever the protocol', async () => {
    const rest = await server.post('/v2/models/add/infer', { ...ask('2+3', '20+22'), id: 'a' });
    expect(rest).toMatchObject({
      status: 200,
      json: { id: 'a', outputs: [{ name: 'words', data: ['5 EUR', '42 EUR'] }] },
    });

    const v1 = await server.post('/v1/models/add:predict', { instances: ['2+3', '1+1'] });
    expect(v1.json).toEqual({ predictions: ['5 EUR', '2 EUR'] });

    const client = grpcClient(server.ports.grpc);
    onTestFinished(() => client.close());
    const typed = { name: 'text', datatype: 'BYTES', shape: [1], contents: { bytes_contents: [Buffer.from('2+3')] } };
    const stream = client.stream('ModelStreamInfer');
    stream.send({ model_name: 'add', inputs: [typed] });
    const words = [{ name: 'words', contents: { bytes_contents: [Buffer.from('5 EUR')] } }];
    expect(await stream.next()).toMatchObject({ infer_response: { outputs: words } });
    stream.end();
    const { answer } = await client.call('ModelInfer', { model_name: 'add', inputs: [typed] });
    expect(answer).toMatchObject({ outputs: words });

    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/v2/models/add/stream`);
    onTestFinished(() => socket.terminate());
    await once(socket, 'open');
    socket.send(JSON.stringify(ask('4+4')));
    const [frame] = (await once(socket, 'message')) as [Buffer];
    expect(JSON.parse(frame.toString())).toMatchObject({ outputs: [{ data: ['8 EUR'] }] });
  });

  it('gives bytes to a client that asks for them, and takes them', async () => {
    const element = Buffer.from('\x03\0\0\x002+3');
    const text = { name: 'text', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: element.length } };
    const head = Buffer.from(JSON.stringify({ parameters: { binary_data_output: true }, inputs: [text] }));
    const response = await fetch(`${server.url}/v2/models/add/infer`, {
      method: 'POST',
      body: Buffer.concat([head, element]),
      headers: { 'inference-header-content-length': String(head.length) },
    });

    const bytes = Buffer.from(await response.arrayBuffer());
    expect(bytes.subarray(Number(response.headers.get('inference-header-content-length'))).toString()).toBe(
      '\x05\0\0\x005 EUR',
    );
  });

  it('has metadata and a configuration that say so', async () => {
    const metadata: unknown = await (await fetch(`${server.url}/v2/models/add`)).json();
    expect(metadata).toMatchObject({ name: 'add', inputs: READS.inputs, outputs: SPEAKS.outputs });
    const client = grpcClient(server.ports.grpc);
    onTestFinished(() => client.close());
    const { answer } = await client.call('ModelMetadata', { name: 'add' });
    expect(answer).toMatchObject({ inputs: [{ name: 'text', datatype: 'BYTES', shape: ['-1'] }] });
    const config: unknown = await (await fetch(`${server.url}/v2/models/add/config`)).json();
    expect(config).toMatchObject({ max_batch_size: 0, input: [{ name: 'text', dims: [-1] }] });
  });

  it('passes the id and the parameters of a request on to both, and keeps connections open', async () => {
    const parameters = { language: 'de', binary_data_output: false, timeout: 5_000_000 };
    await server.post('/v2/models/add/infer', { ...ask('1+1'), id: 'trip-9', parameters });
    const passed = { id: 'trip-9', parameters: { language: 'de' } };
    expect(before.requests.at(-1)).toMatchObject(passed);
    expect(before.requests.at(-1)?.parameters).toEqual({ language: 'de' });
    expect(after.requests.at(-1)).toMatchObject(passed);

    const client = grpcClient(server.ports.grpc);
    onTestFinished(() => client.close());
    const typed = { name: 'text', datatype: 'BYTES', shape: [1], contents: { bytes_contents: [Buffer.from('2+3')] } };
    const wire = { language: { string_param: 'fr' }, limit: { int64_param: 7 } };
    await client.call('ModelInfer', { model_name: 'add', id: 'b', parameters: wire, inputs: [typed] });
    expect(after.requests.at(-1)).toMatchObject({ id: 'b', parameters: { language: 'fr', limit: 7 } });
    expect(before.connections).toBeLessThan(before.requests.length);
  });

  it('counts the time in each', async () => {
    await server.post('/v2/models/add/infer', ask('1+1'));
    const metrics = await (await fetch(`http://127.0.0.1:${server.ports.metrics}/metrics`)).text();
    expect(metrics).toMatch(/^slipway_step_duration_seconds_count\{model="add",step="before"\} [1-9]/m);
    expect(metrics).toMatch(/^slipway_step_duration_seconds_count\{model="add",step="after"\} [1-9]/m);
  });

  it('refuses what does not fit the first step, without asking it', async () => {
    const asked = before.requests.length;
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [2, 3] }];
    const { status, json } = await server.post('/v2/models/add/infer', { inputs });
    expect([status, json]).toEqual([400, { error: 'the model has no input "x"; it has: text' }]);
    expect(before.requests).toHaveLength(asked);
  });
});

describe('a step that fails', () => {
  it.each([
    [{ status: 400, body: '{"error": "no\\nsum"}' }, 400, 'before: no sum'],
    [{ status: 422, body: 'x' }, 400, 'before: it answered 422 and did not say why'],
    [{ status: 413, body: '{"error": "too long"}' }, 413, 'before: too long'],
    [{ status: 429, body: '{"error": "slow down"}' }, 503, 'before: slow down'],
    [{ status: 404, body: '{"error": "secret"}' }, 500, 'before: it answered 404; the log of the server says more'],
    [{ status: 500, body: '{"error": "secret"}' }, 500, 'before: it answered 500; the log of the server says more'],
    [
      { status: 200, body: '{"outputs": 1}' },
      500,
      'before: its answer cannot be read; the log of the server says more',
    ],
    [
      { status: 200, body: '{"outputs": []}' },
      500,
      'before: its answer does not fit the model; the log of the server says more',
    ],
  ])('%j becomes %i: %s', async (answer, status, error) => {
    before.behave({ infer: () => answer });
    const response = await server.post('/v2/models/add/infer', ask('1+1'));
    expect([response.status, response.json]).toEqual([status, { error }]);
  });

  it('has its words in gRPC too, bounded in length, and for "after" as well', async () => {
    after.behave({ infer: () => ({ status: 400, body: JSON.stringify({ error: 'ö'.repeat(5000) }) }) });
    const client = grpcClient(server.ports.grpc);
    onTestFinished(() => client.close());
    const typed = { name: 'text', datatype: 'BYTES', shape: [1], contents: { bytes_contents: [Buffer.from('2+3')] } };
    const failed = client.call('ModelInfer', { model_name: 'add', inputs: [typed] });
    await expect(failed).rejects.toMatchObject({ code: 3, details: expect.stringMatching(/^after: ö{490,492}…$/) });
  });

  it('that answers what the model does not take is told of in the log', async () => {
    before.behave({ infer: () => [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }] });
    expect((await server.post('/v2/models/add/infer', ask('1+1'))).status).toBe(500);
    const detail = 'its output "x" must have the shape [-1, 2] (-1: any), not [1, 3]';
    await eventually(() => server.log).toContainEqual(
      expect.objectContaining({ model: 'add', step: 'before', detail }),
    );
  });
});

describe('a step that hangs', () => {
  it('has as long as the client waits; then its request is broken off', async () => {
    const step = await startStep({ ...READS, infer: hangs });
    onTestFinished(() => step.stop());
    const own = await startWith({ before: { url: step.url } });
    const patient = { ...ask('1+1'), parameters: { timeout: 50_000 } };
    const { status, json } = await own.post('/v2/models/add/infer', patient);
    expect([status, json]).toEqual([504, { error: 'before: it did not answer in time' }]);
    await step.brokenOff;
  });

  it('has timeoutSeconds where the client does not say', async () => {
    const step = await startStep({ ...READS, infer: hangs });
    onTestFinished(() => step.stop());
    const own = await startWith({ before: { url: step.url } }, { timeoutSeconds: 0.05 });
    expect((await own.post('/v2/models/add/infer', ask('1+1'))).status).toBe(504);
  });

  it('is let go when the client goes', async () => {
    const step = await startStep({ ...READS, infer: hangs });
    onTestFinished(() => step.stop());
    const own = await startWith({ before: { url: step.url } });
    const client = new AbortController();
    const asked = fetch(`${own.url}/v2/models/add/infer`, {
      method: 'POST',
      body: JSON.stringify(ask('1+1')),
      signal: client.signal,
    });
    asked.catch(() => {});
    await eventually(() => step.requests.length).toBe(1);
    client.abort();
    await step.brokenOff;
  });

  it('holds no more requests than may wait', async () => {
    const gate = Promise.withResolvers<void>();
    const late: StepBehaviour = { ...READS, infer: (request) => gate.promise.then(() => READS.infer(request)) };
    const step = await startStep(late);
    onTestFinished(() => step.stop());
    const own = await startWith({ before: { url: step.url } }, { maxQueuedRows: 2 });
    const first = [1, 2].map(() => own.post('/v2/models/add/infer', ask('1+1')));
    await eventually(() => step.requests.length).toBe(2);
    const { status, json } = await own.post('/v2/models/add/infer', ask('1+1'));
    expect([status, json]).toEqual([503, { error: 'before: too many requests wait for it; try again' }]);
    gate.resolve();
    expect((await Promise.all(first)).map((each) => each.status)).toEqual([200, 200]);
  });
});

describe('a step that ends a connection', () => {
  it('had closed an idle one: the request goes by another', async () => {
    await server.post('/v2/models/add/infer', ask('1+1'));
    let asked = 0;
    before.behave({ infer: (request) => (++asked === 1 ? 'BreaksOff' : READS.infer(request)) });
    expect((await server.post('/v2/models/add/infer', ask('1+1'))).status).toBe(200);
    expect(asked).toBe(2);
  });

  it('each time, is told to the client', async () => {
    before.behave({ infer: () => 'BreaksOff' });
    const { status, json } = await server.post('/v2/models/add/infer', ask('1+1'));
    expect([status, json]).toEqual([503, { error: 'before: it broke off without an answer; try again' }]);
  });
});

it('a request that is with a step is answered when its model is exchanged meanwhile', async () => {
  const gate = Promise.withResolvers<void>();
  const step = await startStep({ ...READS, infer: (request) => gate.promise.then(() => READS.infer(request)) });
  onTestFinished(() => step.stop());
  const own = await startServer({ 'add/1/model.onnx': addModel() }, [
    settingsOf({ before: { url: step.url } }),
    '--admin-port=0',
  ]);
  onTestFinished(() => own.stop());
  const asked = own.post('/v2/models/add/infer', ask('2+3'));
  await eventually(() => step.requests.length).toBe(1);
  const loads = () => own.log.filter(({ msg }) => msg === 'model loaded and warm').length;
  const exchanged = fetch(`http://127.0.0.1:${own.ports.admin}/v2/repository/models/add/load`, { method: 'POST' });
  await eventually(loads).toBe(2);
  gate.resolve();
  expect((await asked).json).toMatchObject({ outputs: [{ data: [5] }] });
  expect((await exchanged).status).toBe(200);
  // The one before was not loaded once more for it.
  expect(loads()).toBe(2);
});

describe('readiness', () => {
  it('waits for the steps, and says which', async () => {
    const free = await startStep(READS);
    const port = Number(new URL(free.url).port);
    await free.stop();
    const own = await startWith({ before: { url: free.url } });
    const waits = `waits for its step "before": nobody answers at 127.0.0.1:${port}`;
    expect(await readyOf(own)).toMatchObject({
      status: 503,
      text: expect.stringContaining(`model add ${waits.replaceAll('"', '\\"')}`),
    });
    const asked = await own.post('/v2/models/add/infer', ask('1+1'));
    expect([asked.status, asked.json]).toEqual([503, { error: `the model ${waits}` }]);

    const step = await startStep(READS, port);
    onTestFinished(() => step.stop());
    await eventually(async () => (await readyOf(own)).status).toBe(200);
    expect((await own.post('/v2/models/add/infer', ask('1+1'))).json).toMatchObject({ outputs: [{ data: [2] }] });

    step.behave({ health: 503 });
    await eventually(async () => (await readyOf(own)).text).toContain('it answered 503 to GET /v2/health/ready');
    expect((await own.post('/v2/models/add/infer', ask('1+1'))).status).toBe(503);
    step.behave({ health: 200 });
    await eventually(async () => (await readyOf(own)).status).toBe(200);
  });

  it('is not there for steps that do not fit the model', async () => {
    const step = await startStep({ ...READS, outputs: [{ name: 'x', datatype: 'INT64', shape: [-1, 2] }] });
    onTestFinished(() => step.stop());
    const own = await startWith({ before: { url: step.url } });
    const { status, text } = await readyOf(own);
    expect(status).toBe(503);
    expect((JSON.parse(text) as { error: string }).error).toBe(
      'model add does not fit its step "before": it takes "x" (FP32), and the step gives "x" (INT64)',
    );
  });
});

it('gives bytes to a step that takes them, such as another server of ours: JSON has no NaN', async () => {
  const step = await startServer({ 'add/1/model.onnx': renamingModel() });
  onTestFinished(() => step.stop());
  const own = await startWith({ before: { url: step.url } });
  const response = await fetch(`${own.url}/v2/models/add/infer`, {
    method: 'POST',
    body: new Uint8Array(Float32Array.of(Number.NaN, 1, 2, 3).buffer),
    headers: { 'inference-header-content-length': '0' },
  });
  const bytes = await response.arrayBuffer();
  const sums = new Float32Array(bytes.slice(Number(response.headers.get('inference-header-content-length'))));
  expect([...sums]).toEqual([Number.NaN, 5]);
});

/** x = raw. */
function renamingModel(): Uint8Array {
  return encodeOnnxModel({
    inputs: [{ name: 'raw', type: 'FP32', shape: ['n', 2] }],
    outputs: [{ name: 'x', type: 'FP32', shape: ['n', 2] }],
    nodes: [{ operator: 'Identity', inputs: ['raw'], outputs: ['x'] }],
  });
}

it.each([
  'https://127.0.0.1:9001',
  'http://10.0.0.1:9001',
  'http://127.0.0.1:9001/x',
  'http://127.0.0.1.example.com:9001',
  'http://user@127.0.0.1:9001',
])('takes no step at %s', (url) => {
  expect(() => readSettings({ steps: { before: { url } } }, 'x')).toThrow('must be an address on this machine');
});
