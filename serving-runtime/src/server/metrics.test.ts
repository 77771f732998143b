/** What Prometheus reads of a server that has answered, refused and failed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addModel, encodeOnnxModel, pickyModel } from '../testing/onnx-model.ts';
import { startServer } from '../testing/running-server.ts';
import type { RunningServer } from '../testing/running-server.ts';

const text = (content: string) => Buffer.from(content);
let server: RunningServer;
beforeAll(async () => {
  server = await startServer({
    'add/1/model.onnx': addModel(),
    'add/config.yaml': text('cacheBytes: 100000'),
    'picky/1/model.onnx': pickyModel(),
    'power/1/model.onnx': powerModel(),
    'hangs/1/model.onnx': powerModel(),
    'hangs/config.yaml': text('{isolation: process, maxRunSeconds: 0.1}'),
  });
});
afterAll(() => server.stop());

async function read(): Promise<string> {
  return (await fetch(`http://127.0.0.1:${server.ports.metrics}/metrics`)).text();
}

/** The value of a series; undefined where there is none. */
async function value(series: string): Promise<number | undefined> {
  const line = (await read()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

const ADD = 'model="add",version="1"';
const rowsOfAdd = (...values: number[]) => ({
  inputs: [{ name: 'x', shape: [values.length / 2, 2], datatype: 'FP32', data: values }],
});
const vector = (name: string, values: number[]) => ({ name, shape: [values.length], datatype: 'FP32', data: values });

const SIZE = 600;

/** x to the 60th power, which takes long. */
function powerModel(): Uint8Array {
  const factors = Array.from({ length: 59 }, (_, index) => index);
  return encodeOnnxModel({
    inputs: [{ name: 'x', type: 'FP32', shape: ['n', 'n'] }],
    outputs: [{ name: 'y58', type: 'FP32', shape: ['n', 'n'] }],
    nodes: factors.map((index) => ({
      operator: 'MatMul',
      inputs: [index === 0 ? 'x' : `y${index - 1}`, 'x'],
      outputs: [`y${index}`],
    })),
  });
}

async function askPower(model: string, timeoutMicroseconds = 0): Promise<number> {
  const x = {
    name: 'x',
    shape: [SIZE, SIZE],
    datatype: 'FP32',
    parameters: { binary_data_size: SIZE * SIZE * 4 },
  };
  const parameters = { timeout: timeoutMicroseconds, binary_data_output: true };
  const head = Buffer.from(JSON.stringify({ parameters, inputs: [x] }));
  const { status } = await fetch(`${server.url}/v2/models/${model}/infer`, {
    method: 'POST',
    body: Buffer.concat([head, Buffer.alloc(SIZE * SIZE * 4)]),
    headers: { 'inference-header-content-length': String(head.length) },
  });
  return status;
}

it('has every name of Triton that means something here, for each model and version, from the beginning', async () => {
  const metrics = await read();
  const names = [
    'nv_inference_request_success',
    'nv_inference_count',
    'nv_inference_exec_count',
    'nv_inference_pending_request_count',
    'nv_inference_request_duration_us',
    'nv_inference_queue_duration_us',
    'nv_inference_compute_input_duration_us',
    'nv_inference_compute_infer_duration_us',
    'nv_inference_compute_output_duration_us',
    'nv_cache_num_hits_per_model',
    'nv_cache_num_misses_per_model',
    'nv_cache_hit_duration_per_model',
    'nv_cache_miss_duration_per_model',
    'nv_model_load_duration_secs',
  ];
  const failures = ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'].map(
    (reason) => `nv_inference_request_failure{${ADD},reason="${reason}"} 0`,
  );

  expect(names.filter((name) => !metrics.includes(`\n${name}{${ADD}} `))).toEqual([]);
  expect(failures.filter((line) => !metrics.includes(line))).toEqual([]);
  expect(await value(`nv_model_load_duration_secs{${ADD}}`)).toBeGreaterThan(0);
});

it('counts requests, rows and runs, and how many rows ran together', async () => {
  await server.post('/v2/models/add/infer', rowsOfAdd(1, 2));
  await server.post('/v2/models/add/infer', rowsOfAdd(1, 2, 3, 4, 5, 6));

  const series = async (...names: string[]) => Promise.all(names.map((name) => value(`${name}{${ADD}}`)));
  expect(await series('nv_inference_request_success', 'nv_inference_count', 'nv_inference_exec_count')).toEqual([
    2, 4, 2,
  ]);
  expect(await series('slipway_batch_rows_sum', 'slipway_batch_rows_count')).toEqual([4, 2]);
  const upTo = (bound: string) => value(`slipway_batch_rows_bucket{le="${bound}",${ADD}}`);
  expect([await upTo('1'), await upTo('2'), await upTo('4'), await upTo('+Inf')]).toEqual([1, 1, 2, 2]);
  expect(await value(`slipway_inference_duration_seconds_count{${ADD}}`)).toBe(2);
});

it('counts what the cache knew, which the model did not run for', async () => {
  const runs = `nv_inference_exec_count{${ADD}}`;
  for (let round = 0; round < 3; round += 1) await server.post('/v2/models/add/infer', rowsOfAdd(7, 7));
  const before = await value(runs);
  await server.post('/v2/models/add/infer', rowsOfAdd(7, 7));

  expect(await value(`nv_cache_num_hits_per_model{${ADD}}`)).toBe(3);
  expect(await value(`nv_cache_hit_duration_per_model{${ADD}}`)).toBeGreaterThan(0);
  expect(await value(runs)).toBe(before);
});

it('tells those that wait from those that run', async () => {
  const asked = Promise.all([askPower('power'), askPower('power'), askPower('power')]);
  const waiting = 'nv_inference_pending_request_count{model="power",version="1"}';
  const running = 'slipway_model_running_requests{model="power",version="1"}';

  // Its one instance works on one at a time.
  await expect.poll(() => value(waiting), { interval: 5, timeout: 10_000 }).toBeGreaterThan(0);
  expect(await value(running)).toBeLessThanOrEqual(1);
  expect(await asked).toEqual([200, 200, 200]);
  expect([await value(waiting), await value(running)]).toEqual([0, 0]);
});

it('counts failures by whose they are', async () => {
  const failures = (model: string, reason: string) =>
    value(`nv_inference_request_failure{model="${model}",version="1",reason="${reason}"}`);
  await server.post('/v2/models/picky/infer', { inputs: [vector('a', [1, 2]), vector('b', [1, 2, 3])] });
  await server.post('/v2/models/picky/infer', { inputs: [] });
  expect([await askPower('power', 1_000), await askPower('hangs')]).toEqual([504, 503]);

  expect([await failures('picky', 'BACKEND'), await failures('picky', 'OTHER')]).toEqual([1, 1]);
  expect(await failures('power', 'REJECTED')).toBe(1);
  expect(await failures('hangs', 'BACKEND')).toBe(1);
  expect(await value('slipway_instance_losses_total{model="hangs",version="1"}')).toBe(1);
});
