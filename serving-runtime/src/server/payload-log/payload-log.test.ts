/** Payloads in a file, over every protocol, and what happens when they cannot get there. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { grpcClient } from '../../testing/grpc-client.ts';
import { addModel, pickyModel } from '../../testing/onnx-model.ts';
import { startServer } from '../../testing/running-server.ts';
import type { RunningServer } from '../../testing/running-server.ts';
import { createRecord } from '../request-record.ts';
import { createPayloadLog } from './payload-log.ts';
import { isSampled } from './sampling.ts';

const folder = mkdtempSync(join(tmpdir(), 'slipway-payloads-'));
afterAll(() => rmSync(folder, { recursive: true }));

const INPUT = { name: 'x', shape: [1, 2], datatype: 'FP32', data: [2, 3] };
const INFER = '/v2/models/add/infer';

type Line = Readonly<Record<string, unknown>>;
const linesIn = (file: string): Line[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);

describe('a server that keeps all payloads', () => {
  const file = join(folder, 'all.jsonl');
  let server: RunningServer;
  beforeAll(async () => {
    const flags = ['--access-log-payloads=1', `--access-log-payload-file=${file}`, '--drain-seconds=0'];
    server = await startServer({ 'add/1/model.onnx': addModel(), 'picky/1/model.onnx': pickyModel() }, flags);
  });
  afterAll(() => server.stop());

  it('has HTTP with the id of the answer, and headers not at all', async () => {
    const { headers, json } = await server.post(INFER, { inputs: [INPUT] }, { authorization: 'Bearer secret' });
    await expect.poll(() => linesIn(file).length).toBe(1);

    expect(linesIn(file)[0]).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      requestId: headers.get('x-request-id'),
      id: json['id'],
      model: 'add',
      version: '1',
      durationMs: expect.any(Number),
      inputs: [INPUT],
      outputs: [{ name: 'sum', shape: [1, 1], datatype: 'FP32', data: [5] }],
    });
  });

  it('has gRPC, each inference of a stream, frames of a WebSocket, and failures', async () => {
    const before = linesIn(file).length;
    const client = grpcClient(server.ports.grpc);
    const contents = { fp32_contents: [2, 3] };
    const wire = (id: string) => ({ model_name: 'add', id, inputs: [{ ...INPUT, data: undefined, contents }] });
    await client.call('ModelInfer', wire('unary'));
    const stream = client.stream('ModelStreamInfer');
    for (const id of ['first', 'second']) stream.send(wire(id));
    stream.end();
    while ((await stream.next()) !== undefined);
    client.close();
    const socket = new WebSocket(`ws://127.0.0.1:${server.ports.http}/v2/models/add/stream`);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify({ id: 'frame', inputs: [INPUT] }));
    await new Promise((resolve) => socket.once('message', resolve));
    socket.terminate();
    await server.post(INFER, { id: 'wrong', inputs: [{ ...INPUT, datatype: 'INT32' }] });
    await expect.poll(() => linesIn(file).length).toBe(before + 5);

    const byId = Object.fromEntries(linesIn(file).map((line) => [line['id'], line]));
    for (const id of ['unary', 'first', 'second', 'frame'])
      expect(byId[id]).toMatchObject({ inputs: [INPUT], outputs: [{ data: [5] }] });
    expect(byId['wrong']).toMatchObject({ error: 'input "x" must be FP32, not INT32' });
    expect(byId['first']?.['requestId']).toBe(byId['second']?.['requestId']);
    expect(byId['frame']?.['requestId']).toBe('frame');
  });

  it('writes what waits before it ends', async () => {
    const before = linesIn(file).length;
    await Promise.all(Array.from({ length: 50 }, () => server.post(INFER, { inputs: [INPUT] })));
    server.process.kill('SIGTERM');
    await server.ended;

    expect(linesIn(file)).toHaveLength(before + 50);
    expect(statSync(file).mode & 0o007).toBe(0);
  });
});

it('a sample has the same requests wherever and whenever they are asked', async () => {
  const [one, other] = [join(folder, 'one.jsonl'), join(folder, 'other.jsonl')];
  const ids = Array.from({ length: 40 }, (_, index) => `request-${index}`);
  const sampleOf = async (file: string, order: readonly string[]) => {
    const flags = ['--access-log-payloads=0.3', `--access-log-payload-file=${file}`, '--drain-seconds=0'];
    const server = await startServer({ 'add/1/model.onnx': addModel() }, flags);
    for (const id of order) await server.post(INFER, { inputs: [INPUT] }, { 'x-request-id': id });
    server.process.kill('SIGTERM');
    await server.ended;
    await server.stop();
    return linesIn(file).map((line) => String(line['requestId'])).toSorted(); // prettier-ignore
  };
  const sample = await sampleOf(one, ids);

  expect(sample.length).toBeGreaterThan(0);
  expect(sample.length).toBeLessThan(ids.length);
  expect(await sampleOf(other, ids.toReversed())).toEqual(sample);
});

it('a file that is full keeps nobody waiting, and what is lost is counted', async () => {
  const server = await startServer({ 'add/1/model.onnx': addModel() }, [
    '--access-log-payloads=1',
    '--access-log-payload-file=/dev/full',
  ]);
  const metrics = async () => (await fetch(`http://127.0.0.1:${server.ports.metrics}/metrics`)).text();
  for (let count = 0; count < 3; count += 1) expect((await server.post(INFER, { inputs: [INPUT] })).status).toBe(200);

  await expect.poll(metrics).toContain('slipway_payload_log_dropped_total 3');
  expect(server.log.filter(({ failure }) => String(failure).includes('ENOSPC'))).toHaveLength(1);
  await server.stop();
});

describe('lines', () => {
  const facts = {
    protocol: 'http',
    method: 'POST',
    path: INFER,
    isStream: false,
    peer: { address: '', names: [] },
    header: () => undefined,
    requestId: 'r',
  } as const;

  function open(
    file: string,
    limits: { maxWaitingBytes?: number; maxFileBytes?: number; rate?: number },
    isStream = false,
  ) {
    const dropped = vi.fn();
    const log = createPayloadLog({
      file,
      rate: 1,
      maxBytes: 1000,
      maxWaitingBytes: 2 ** 20,
      maxFileBytes: 2 ** 20,
      stateChanged: () => {},
      dropped,
      ...limits,
    });
    const record = createRecord({ ...facts, isStream }, [log]);
    const ask = (id: string) =>
      log.inferenceBegan?.(record, { id, model: 'm', version: '1', inputs: [] })?.({
        milliseconds: 1,
        outputs: [],
        failure: undefined,
        times: undefined,
      });
    return { log, dropped, ask };
  }

  it('that would wait behind too many are dropped', async () => {
    const file = join(folder, 'waiting.jsonl');
    const { log, dropped, ask } = open(file, { maxWaitingBytes: 1 });
    for (const id of ['a', 'b', 'c']) ask(id);
    await log.close();

    expect(linesIn(file).map(({ id }) => id)).toEqual(['a']);
    expect(dropped).toHaveBeenCalledTimes(2);
  });

  it.each([
    ['each its own', true],
    ['that of the request', false],
  ])('of a stream are chosen by their ids, others by that of the request: %s', async (name, isStream) => {
    const file = join(folder, `${name}.jsonl`);
    const rate = 0.3;
    const { log, ask } = open(file, { rate }, isStream);
    const ids = Array.from({ length: 40 }, (_, index) => `id-${index}`);
    for (const id of ids) ask(id);
    await log.close();

    const expected = ids.filter((id) => isSampled(isStream ? id : facts.requestId, rate));
    expect(linesIn(file).map(({ id }) => id)).toEqual(expected);
  });

  it('never fill more than two files', async () => {
    const file = join(folder, 'rotated.jsonl');
    const { log, dropped, ask } = open(file, { maxFileBytes: 1000 });
    for (let count = 0; count < 100; count += 1) ask(`id-${count}`);
    await log.close();

    expect(dropped).not.toHaveBeenCalled();
    expect([statSync(file).size, statSync(`${file}.1`).size].every((size) => size > 0 && size <= 1000)).toBe(true);
    expect(existsSync(`${file}.2`)).toBe(false);
    expect(linesIn(file).at(-1)).toMatchObject({ id: 'id-99' });
  });

  it('are refused a place where there can be none', () => {
    expect(() => open(join(folder, 'missing', 'file'), {})).toThrow('--access-log-payload-file cannot be written to');
  });
});
