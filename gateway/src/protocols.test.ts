/** Every protocol through the gateway, with model servers of ours behind it and clients of other people before it. */
import { connect as connectHttp2 } from 'node:http2';
import { Metadata } from '@grpc/grpc-js';
import { grpcClient } from '@slipway/serving-runtime/testing/grpc-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startModelPods } from './testing/model-pods.ts';
import type { ModelPods } from './testing/model-pods.ts';
import { aRoute } from './testing/routes.ts';
import { ask, FLIGHTS, INFER, row, startGateway, eventually } from './testing/running-gateway.ts';
import type { RunningGateway } from './testing/running-gateway.ts';

let pods: ModelPods;
let gateway: RunningGateway;

beforeAll(async () => {
  pods = await startModelPods(11, 2);
  gateway = await startGateway();
  gateway.table.set(aRoute([pods.backend('flights-1', 100)], { hosts: ['127.0.0.1'] }));
});

afterAll(async () => {
  await gateway?.stop(0);
  await pods?.stop();
  expect(gateway.faults).toEqual([]);
});

const GRPC_ROW = { name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [2, 3] } };
const grpc = () => grpcClient(gateway.port);

describe('REST', () => {
  it('hands requests and answers on, with an id and the revision that answered', async () => {
    const answer = await ask({ port: gateway.port, path: INFER, body: row(2, 3), headers: { 'x-request-id': 'r-1' } });

    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({ outputs: [{ data: [5] }] });
    expect(answer.headers).toMatchObject({ 'x-request-id': 'r-1', 'x-slipway-revision': 'flights-1' });
  });

  it('makes an id where there is none, also for what it answers itself', async () => {
    const found = await ask({ port: gateway.port, path: '/v2' });
    const lost = await ask({ port: gateway.port, path: '/v2', host: 'nobody.team-a.svc' });

    expect(found.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(lost.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(lost.status).toBe(404);
    expect(JSON.parse(lost.body)).toEqual({
      error:
        'no service has the host "nobody.team-a.svc"; ask for <service>.<namespace>.svc, or a host of its spec.expose',
    });
  });

  it('hands on what a server refuses, in its words', async () => {
    const answer = await ask({ port: gateway.port, path: '/v2/models/none/infer', body: row(2, 3) });

    expect(answer.status).toBe(404);
    expect(JSON.parse(answer.body)).toHaveProperty('error');
  });

  it('takes bodies in chunks, and of many megabytes', async () => {
    const data = Array.from({ length: 100_000 }, (_, index) => [index % 7, 1]).flat();
    const body = JSON.stringify({ inputs: [{ name: 'x', shape: [100_000, 2], datatype: 'FP32', data }] });
    const chunked = { 'transfer-encoding': 'chunked' };
    const raw = Buffer.alloc(8 * 1024 * 1024);
    const binary = Buffer.from(
      JSON.stringify({
        inputs: [{ name: 'x', shape: [2 ** 20, 2], datatype: 'FP32', parameters: { binary_data_size: raw.length } }],
      }),
    );

    const [inChunks, large] = await Promise.all([
      ask({ port: gateway.port, path: INFER, body, headers: chunked }),
      ask({
        port: gateway.port,
        path: INFER,
        body: Buffer.concat([binary, raw]),
        headers: { 'inference-header-content-length': String(binary.length) },
      }),
    ]);

    expect([inChunks.status, large.status]).toEqual([200, 200]);
    expect(JSON.parse(inChunks.body)).toMatchObject({ outputs: [{ shape: [100_000, 1] }] });
  });

  it('answers HEAD without a body', async () => {
    const answer = await ask({ port: gateway.port, path: '/v2', method: 'HEAD' });

    expect([answer.status, answer.body]).toEqual([200, '']);
  });

  it('speaks HTTP/2 with clients that know that it does', async () => {
    const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
    try {
      const stream = session.request({ ':method': 'POST', ':path': INFER, ':authority': FLIGHTS });
      const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])));
      let text = '';
      stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      stream.end(row(2, 3));
      await new Promise((resolve) => stream.once('close', resolve));

      expect(await status).toBe(200);
      expect(JSON.parse(text)).toMatchObject({ outputs: [{ data: [5] }] });
    } finally {
      session.close();
    }
  });
});

describe('gRPC', () => {
  it('says at once that a server does not speak it, also where requests may wait', async () => {
    const other = await startGateway();
    try {
      const mute = { ...pods.backend('flights-1', 100), grpcPort: undefined };
      const hold = { requests: 10, timeoutMs: 60_000 };
      other.table.set(aRoute([mute], { hosts: ['127.0.0.1'], hold }));
      const call = grpcClient(other.port).call('ModelInfer', { model_name: 'add', inputs: [GRPC_ROW] });

      await expect(call).rejects.toMatchObject({ code: 12, details: expect.stringContaining('does not speak gRPC') });
      mute.pool.update([]);
      const late = grpcClient(other.port).call('ModelInfer', { model_name: 'add', inputs: [GRPC_ROW] });
      await expect(late).rejects.toMatchObject({ code: 12 });
    } finally {
      await other.stop(0);
    }
  });

  it('hands calls and their metadata on', async () => {
    const client = grpc();
    const metadata = new Metadata();
    metadata.set('x-request-id', 'r-2');

    const { answer, metadata: received } = await client.call(
      'ModelInfer',
      { model_name: 'add', inputs: [GRPC_ROW] },
      { metadata },
    );

    expect(answer).toMatchObject({ outputs: [{ contents: { fp32_contents: [5] } }] });
    expect(received.get('x-request-id')).toEqual(['r-2']);
    expect(received.get('x-slipway-revision')).toEqual(['flights-1']);
    client.close();
  });

  it('hands on what a server refuses, with its code and words', async () => {
    const client = grpc();

    await expect(client.call('ModelInfer', { model_name: 'none', inputs: [GRPC_ROW] })).rejects.toMatchObject({
      code: 5,
      details: expect.stringContaining('none') as string,
    });
    client.close();
  });

  it('says NOT_FOUND for a host that no service has', async () => {
    const empty = await startGateway();
    const client = grpcClient(empty.port);

    await expect(client.call('ServerLive', {})).rejects.toMatchObject({
      code: 5,
      details: expect.stringContaining('no service has the host') as string,
    });
    client.close();
    await empty.stop(0);
  });

  it('keeps streams open both ways: each message has its answer before the next is sent', async () => {
    const client = grpc();
    const stream = client.stream('ModelStreamInfer');
    for (let sum = 0; sum < 20; sum += 1) {
      const contents = { fp32_contents: [sum, 1] };
      stream.send({ model_name: 'add', inputs: [{ ...GRPC_ROW, contents }] });
      const answer = await stream.next();
      expect(answer).toMatchObject({ infer_response: { outputs: [{ contents: { fp32_contents: [sum + 1] } }] } });
    }
    stream.end();

    expect(await stream.next()).toBeUndefined();
    client.close();
  });

  it('many calls share few connections, and all are answered', async () => {
    const client = grpc();
    const calls = Array.from({ length: 500 }, (_, index) =>
      client.call('ModelInfer', {
        model_name: 'add',
        inputs: [{ ...GRPC_ROW, contents: { fp32_contents: [index, 1] } }],
      }),
    );

    const sums = (await Promise.all(calls)).map(
      ({ answer }) => (answer['outputs'] as { contents: { fp32_contents: number[] } }[])[0]?.contents.fp32_contents[0],
    );

    expect(sums).toEqual(Array.from({ length: 500 }, (_, index) => index + 1));
    client.close();
  });
});

describe('WebSocket', () => {
  it('goes through, both ways', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/v2/models/add/stream`, { headers: { host: FLIGHTS } });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const answers: unknown[] = [];
    for (const number of [1, 2, 3]) {
      const answer = new Promise((resolve) =>
        socket.once('message', (data) => resolve(JSON.parse((data as Buffer).toString('utf8')))),
      );
      socket.send(row(number, 1));
      answers.push(await answer);
    }
    socket.close();

    expect(answers).toMatchObject([2, 3, 4].map((sum) => ({ outputs: [{ data: [sum] }] })));
    await eventually(() => gateway.metric('requests_in_flight')).toBe(0);
  });

  it('is refused in words where there is no service, and by the server where it has no such path', async () => {
    const refused = (path: string, host: string) =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}${path}`, { headers: { host } });
        socket.on('error', () => {});
        socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
      });

    expect(await refused('/v2/models/add/stream', 'nobody.team-a.svc')).toBe(404);
    expect(await refused('/nowhere', FLIGHTS)).toBe(404);
  });
});

it('counts requests by revision, protocol and code', async () => {
  const counts = () => {
    const of = (code: string, protocol: string) =>
      gateway.metric('requests_total', { revision: 'flights-1', code, protocol });
    return Promise.all([of('200', 'http'), of('404', 'http'), of('0', 'grpc'), of('5', 'grpc')]);
  };
  const before = await counts();
  const client = grpc();

  await ask({ port: gateway.port, path: '/v2' });
  await ask({ port: gateway.port, path: '/nowhere' });
  await client.call('ServerLive', {});
  await expect(client.call('ModelMetadata', { name: 'none' })).rejects.toMatchObject({ code: 5 });

  client.close();
  expect(await counts()).toEqual(before.map((count) => count + 1));
  expect(await gateway.metric('requests_in_flight')).toBe(0);
});
