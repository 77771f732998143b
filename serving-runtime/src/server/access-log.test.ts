/** What is told of a request after it has its answer, whatever protocol it came by. */
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { grpcClient } from '../testing/grpc-client.ts';
import { addModel } from '../testing/onnx-model.ts';
import { startServer } from '../testing/running-server.ts';
import type { RunningServer } from '../testing/running-server.ts';
import { createAccessLog } from './access-log.ts';
import { createRecord } from './request-record.ts';

const ROWS = { id: 'four', inputs: [{ name: 'x', shape: [2, 2], datatype: 'FP32', data: [2, 3, 4, 98765] }] };
const INFER = '/v2/models/add/infer';

const lines = (server: RunningServer, path: string) =>
  server.log.filter((line) => line['msg'] === 'request' && line['path'] === path);

async function firstLine(server: RunningServer, path: string): Promise<Record<string, unknown> | undefined> {
  await expect.poll(() => lines(server, path).length).toBeGreaterThan(0);
  return lines(server, path)[0];
}

const INFERENCE = {
  model: 'add',
  version: '1',
  rows: 2,
  inferenceMs: expect.any(Number),
  durationMs: expect.any(Number),
};

describe.each(['own', 'node'])('an access log of all, with the transport %s', (transport) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ 'add/1/model.onnx': addModel() }, ['--access-log=all', `--transport=${transport}`]);
  });
  afterAll(() => server.stop());

  it('tells of HTTP', async () => {
    const { headers } = await server.post(`${INFER}?secret=1`, ROWS);

    expect(await firstLine(server, INFER)).toEqual({
      ...INFERENCE,
      level: 30,
      time: expect.any(String),
      msg: 'request',
      requestId: headers.get('x-request-id'),
      protocol: 'http',
      method: 'POST',
      path: INFER,
      status: 200,
      bytesIn: JSON.stringify(ROWS).length,
      bytesOut: Number(headers.get('content-length')),
      peer: '127.0.0.1',
    });
  });

  it('tells of gRPC, unary and streams, and of calls that nobody implements', async () => {
    const client = grpcClient(server.ports.grpc);
    const request = {
      model_name: 'add',
      inputs: [{ name: 'x', shape: [2, 2], datatype: 'FP32', contents: { fp32_contents: [1, 2, 3, 98765] } }],
    };
    const { metadata } = await client.call('ModelInfer', request);
    const stream = client.stream('ModelStreamInfer');
    stream.send(request);
    stream.send(request);
    await stream.next();
    stream.end();
    while ((await stream.next()) !== undefined);
    await client.call('RepositoryIndex', {}).catch(() => {});
    client.close();
    const path = (method: string) => `/inference.GRPCInferenceService/${method}`;

    expect(await firstLine(server, path('ModelInfer'))).toMatchObject({
      ...INFERENCE,
      protocol: 'grpc',
      requestId: metadata.get('x-request-id')[0],
      status: 0,
      bytesIn: expect.any(Number),
    });
    expect(await firstLine(server, path('ModelStreamInfer'))).toMatchObject({ ...INFERENCE, rows: 4, status: 0 });
    expect(await firstLine(server, path('RepositoryIndex'))).toMatchObject({ status: 12 });
  });

  it('tells of every frame of a WebSocket', async () => {
    const path = '/v2/models/add/stream';
    const socket = new WebSocket(`ws://127.0.0.1:${server.ports.http}${path}`);
    await new Promise((resolve) => socket.once('open', resolve));
    socket.send(JSON.stringify(ROWS));
    socket.send('{');
    socket.send(JSON.stringify({ ...ROWS, id: 'x'.repeat(100_000) }));
    await expect.poll(() => lines(server, path).length).toBe(3);
    socket.close();

    expect(
      lines(server, path).toSorted((a, b) => String(a['requestId']).localeCompare(String(b['requestId']))),
    ).toMatchObject([
      { ...INFERENCE, protocol: 'websocket', requestId: 'four', status: 200 },
      { status: 400 },
      { status: 200, requestId: 'x'.repeat(128) },
    ]);
  });

  it('holds nothing of what was sent', () => {
    expect(JSON.stringify(server.log)).not.toMatch(/98765|secret/);
  });
});

describe('an access log of errors', () => {
  it('tells of failures alone', async () => {
    const server = await startServer({ 'add/1/model.onnx': addModel() }, ['--access-log=errors']);
    try {
      await server.post(INFER, ROWS);
      await server.post('/v2/models/none/infer', ROWS);

      expect(await firstLine(server, '/v2/models/none/infer')).toMatchObject({ status: 404, method: 'POST' });
      expect(lines(server, INFER)).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});

describe('a log that nobody reads', () => {
  it('keeps no request waiting; what is dropped is counted', () => {
    const folder = mkdtempSync(join(tmpdir(), 'slipway-log-'));
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Opened for both, it is open although nobody reads.
    const fd = openSync(pipe, 'r+');
    const dropped = vi.fn();
    const log = createAccessLog('all', dropped, fd);
    const facts = {
      protocol: 'http',
      method: 'GET',
      path: 'x'.repeat(10_000),
      isStream: false,
      peer: { address: '', names: [] },
      header: () => undefined,
      requestId: undefined,
    } as const;
    const record = createRecord(facts, [log]);
    for (let count = 0; count < 50_000; count += 1) log.ended(record, 200);

    expect(dropped.mock.calls.length).toBeGreaterThan(1000);
    rmSync(folder, { recursive: true });
  });
});
