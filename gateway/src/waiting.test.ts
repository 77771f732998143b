/** Requests that wait until a pod can take them, over real sockets. */
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { request as httpRequest } from 'node:http';
import { grpcClient } from '@slipway/serving-runtime/testing/grpc-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { EndpointPool } from './routing/endpoint-pool.ts';
import type { Route } from './routing/route.ts';
import { startModelPods } from './testing/model-pods.ts';
import type { ModelPods } from './testing/model-pods.ts';
import { startOddPod } from './testing/odd-pod.ts';
import type { OddPod } from './testing/odd-pod.ts';
import { aBackend, aRoute } from './testing/routes.ts';
import { ask, eventually, FLIGHTS, freePorts, INFER, row, startGateway } from './testing/running-gateway.ts';
import type { Answer, RunningGateway } from './testing/running-gateway.ts';

let gateway: RunningGateway;
const cleanups: (() => unknown)[] = [];

beforeEach(async () => {
  gateway = await startGateway();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
  expect(await gateway.metric('requests_held')).toBe(0);
  expect(await gateway.metric('requests_in_flight')).toBe(0);
  await gateway.stop(0);
  expect(gateway.faults).toEqual([]);
});

const HTTP2_CANCEL = constants.NGHTTP2_CANCEL;
const hold = { requests: 1000, timeoutMs: 60_000 };
const more: Partial<Route> = { hold, hosts: ['127.0.0.1'] };
const GRPC_ROW = { name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [2, 3] } };
const INFERENCE = { model_name: 'add', inputs: [GRPC_ROW] };

async function oddPod(...given: Parameters<typeof startOddPod>): Promise<OddPod> {
  const pod = await startOddPod(...given);
  cleanups.push(() => pod.stop());
  return pod;
}

/** The route has this pod now, under a pool of its own. */
function appear(pod: OddPod, settings: ConstructorParameters<typeof EndpointPool>[0] = {}): void {
  const pool = new EndpointPool(settings);
  pool.update(['127.0.0.1']);
  gateway.table.set(aRoute([{ ...pod.backend('flights-1', 100), pool }], more));
}

function withoutPods(given: Partial<Route> = {}): void {
  gateway.table.set(aRoute([aBackend('flights-1', 100, { at: [] })], { ...more, ...given }));
}

const get = (path: string) => ask({ port: gateway.port, path });
const held = () => gateway.metric('requests_held');
const inference = () => ask({ port: gateway.port, path: INFER, body: row(2, 3) });

/** Each begins to wait before the next is sent. */
async function waitInTurn(paths: readonly string[]): Promise<Promise<Answer>[]> {
  const answers: Promise<Answer>[] = [];
  for (const path of paths) {
    answers.push(get(path));
    await eventually(held).toBe(answers.length);
  }
  return answers;
}

describe('a service without pods', () => {
  let pods: ModelPods;

  beforeAll(async () => {
    pods = await startModelPods(41, 1);
  });

  afterAll(() => pods?.stop());

  it('200 requests wait, and all are answered when a pod appears', async () => {
    withoutPods();
    const client = grpcClient(gateway.port);
    const rest = Array.from({ length: 100 }, () => inference());
    const calls = Array.from({ length: 100 }, () => client.call('ModelInfer', INFERENCE));
    await eventually(held).toBe(200);

    gateway.table.set(aRoute([pods.backend('flights-1', 100)], more));

    const answers = await Promise.all(rest);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    await Promise.all(calls);
    client.close();
    expect(await gateway.metric('requests_total', { code: '200' })).toBe(100);
    expect(await gateway.metric('requests_total', { code: '0' })).toBe(100);
  });

  it('a stream and a WebSocket wait, and what was sent on them meanwhile is not lost', async () => {
    withoutPods();
    const client = grpcClient(gateway.port);
    const stream = client.stream('ModelStreamInfer');
    stream.send(INFERENCE);
    stream.send(INFERENCE);
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/v2/models/add/stream`, { headers: { host: FLIGHTS } });
    const opened = new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    await eventually(held).toBe(2);

    gateway.table.set(aRoute([pods.backend('flights-1', 100)], more));

    expect([await stream.next(), await stream.next()]).toHaveLength(2);
    stream.end();
    expect(await stream.next()).toBeUndefined();
    await opened;
    const answer = new Promise((resolve) => socket.once('message', (data) => resolve((data as Buffer).toString())));
    socket.send(row(2, 3));
    expect(JSON.parse((await answer) as string)).toMatchObject({ outputs: [{ data: [5] }] });
    socket.close();
    client.close();
    await eventually(() => gateway.metric('requests_in_flight')).toBe(0);
  });
});

describe('who waits', () => {
  it('goes in the order in which he came, and not more at a time than the pod may have', async () => {
    let running = 0;
    let most = 0;
    const pod = await oddPod((_, response) => {
      running += 1;
      most = Math.max(most, running);
      setTimeout(() => {
        running -= 1;
        response.end('well');
      }, 20);
    });
    withoutPods();
    const paths = Array.from({ length: 9 }, (_, index) => `/${index}`);
    const answers = await waitInTurn(paths);

    appear(pod, { maxInFlight: 1 });
    const late = get('/late');

    expect((await Promise.all([...answers, late])).map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(most).toBe(1);
    expect(pod.seen.map(({ path }) => path)).toEqual([...paths, '/late']);
  });

  it('waits, too, where the pods that there are have as many as they may', async () => {
    const waiting: (() => void)[] = [];
    const pod = await oddPod((_, response) => waiting.push(() => response.end('well')));
    appear(pod, { maxInFlight: 1 });
    const first = get('/first');
    await eventually(() => pod.seen.length).toBe(1);
    const second = get('/second');
    await eventually(held).toBe(1);

    waiting[0]?.();

    expect((await first).status).toBe(200);
    await eventually(() => waiting.length).toBe(2);
    waiting[1]?.();
    expect((await second).status).toBe(200);
  });

  it('for a revision that cannot be reached does not hold up those who go to another', async () => {
    const pod = await oddPod((_, response) => response.end('well'));
    const [port = 0] = await freePorts(1);
    const dead = aBackend('flights-2', 50, { at: ['127.0.0.1'], httpPort: port });
    const sticky = { by: 'header', name: 'x-entity-id', salt: 's' } as const;
    gateway.table.set(aRoute([pod.backend('flights-1', 50), dead], { ...more, sticky }));
    const asking = (entity: number) =>
      ask({ port: gateway.port, path: '/', headers: { 'x-entity-id': String(entity) } }).then(({ body }) => body);
    const all = Array.from({ length: 40 }, (_, entity) => asking(entity));
    await eventually(() => pod.seen.length).toBeGreaterThan(8);
    await eventually(async () => pod.seen.length + (await held())).toBe(40);

    const revived = await oddPod((_, response) => response.end('revived'), '127.0.0.1', port);

    const bodies = await Promise.all(all);
    expect(new Set(bodies)).toEqual(new Set(['well', 'revived']));
    expect(revived.seen.length + pod.seen.length).toBe(40);
  });

  it('for a pod that is listed and cannot be reached is answered when it can, and before whoever comes later', async () => {
    const [port = 0] = await freePorts(1);
    const pool = new EndpointPool({ maxInFlight: 1 });
    pool.update(['127.0.0.1']);
    gateway.table.set(aRoute([{ ...aBackend('flights-1', 100, { httpPort: port }), pool }], more));
    const answers = Array.from({ length: 20 }, (_, index) => ask({ port: gateway.port, path: `/${index}`, body: 'b' }));
    await eventually(held).toBe(20);

    const pod = await oddPod((_, response) => response.end('well'), '127.0.0.1', port);
    answers.push(get('/late'));

    expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(21).fill(200));
    expect(pod.seen.map(({ path }) => path)).toHaveLength(21);
    expect(pod.seen.at(-1)?.path).toBe('/late');
  });

  it('may send what is larger than what is kept otherwise, and while it waits', async () => {
    const pod = await oddPod((request, response) => request.on('end', () => response.end('well')));
    withoutPods();
    const part = Buffer.alloc(1024 * 1024, 'x');
    const request = httpRequest({
      host: '127.0.0.1',
      port: gateway.port,
      path: '/',
      method: 'POST',
      headers: { host: FLIGHTS },
    });
    const answer = new Promise<number>((resolve, reject) =>
      request.on('error', reject).on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      }),
    );
    for (let turn = 0; turn < 3; turn += 1) request.write(part);
    await eventually(held).toBe(1);

    appear(pod);
    await eventually(() => pod.seen.length).toBe(1);
    request.end('the end');

    expect(await answer).toBe(200);
    const body = pod.seen[0]?.body() ?? '';
    expect([body.length, body.slice(-7)]).toEqual([3 * part.length + 7, 'the end']);
  });

  it('has its time from when a pod has it, and not from when it came', async () => {
    const pod = await oddPod((_, response) => void setTimeout(() => response.end('well'), 300));
    withoutPods({ timeoutMs: 500 });
    const answer = ask({ port: gateway.port, path: '/', body: 'b' });
    await eventually(held).toBe(1);
    await sleep(600);

    gateway.table.set(aRoute([pod.backend('flights-1', 100)], { ...more, timeoutMs: 5000 }));

    expect((await answer).status).toBe(200);
  });
});

describe('who may not wait any longer', () => {
  it('one too many is refused at once, in words, and the others wait on', async () => {
    const pod = await oddPod((_, response) => response.end('well'));
    withoutPods({ hold: { requests: 2, timeoutMs: 60_000 } });
    const waiting = await waitInTurn(['/1', '/2']);
    const client = grpcClient(gateway.port);

    const refused = await get('/3');
    const call = client.call('ModelInfer', INFERENCE);

    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    expect(refused.body).toContain('2 requests wait for a pod of this service already; try again later');
    await expect(call).rejects.toMatchObject({
      code: 14,
      details: expect.stringContaining('try again later') as string,
    });
    client.close();
    appear(pod);
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('where all routes have as many as the gateway takes', async () => {
    await gateway.stop(0);
    gateway = await startGateway({ waitingLimits: { requests: 1, bytesPerRoute: 1000 } });
    withoutPods();
    gateway.table.set(aRoute([aBackend('other-1', 100, { at: [] })], { name: 'other', uid: 'uid-2', hold }));
    const [first] = await waitInTurn(['/1']);

    const refused = await ask({ port: gateway.port, path: '/', host: 'other.team-a.svc' });

    expect([refused.status, refused.body]).toEqual([503, expect.stringContaining('as many requests wait here as may')]);
    gateway.table.delete('team-a', 'flights');
    expect((await first)?.status).toBe(404);
  });

  it.each([
    ['of the route', { waitingLimits: { requests: 10, bytesPerRoute: 1000 } }],
    ['of all bodies', { keptLimits: { perRequest: 1_000_000, total: 1000 } }],
  ])('one whose body is beyond the bound %s', async (_, limits) => {
    await gateway.stop(0);
    gateway = await startGateway(limits);
    withoutPods();
    const small = ask({ port: gateway.port, path: '/', body: 'x'.repeat(600) });
    await eventually(held).toBe(1);

    const large = await ask({ port: gateway.port, path: '/', body: 'x'.repeat(600) });

    expect([large.status, large.body]).toEqual([503, expect.stringContaining('as large as it may be')]);
    expect(await held()).toBe(1);
    gateway.table.delete('team-a', 'flights');
    expect((await small).status).toBe(404);
  });

  it('one that waited as long as the route allows', async () => {
    withoutPods({ hold: { requests: 10, timeoutMs: 200 } });
    const client = grpcClient(gateway.port);
    const [rest, call] = [get('/'), client.call('ModelInfer', INFERENCE)];

    await expect(call).rejects.toMatchObject({ code: 14 });
    expect(await rest).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect((await rest).body).toContain('no pod could take the request within 0.2 s');
    client.close();
  });

  it('one whose own deadline is over', async () => {
    withoutPods();
    const client = grpcClient(gateway.port);
    await expect(client.call('ModelInfer', INFERENCE, { timeoutMs: 200 })).rejects.toMatchObject({ code: 4 });
    client.close();
    await eventually(held).toBe(0);
  });

  it('one whose client has gone, over each protocol', async () => {
    withoutPods();
    const socket: Socket = connect(gateway.port, '127.0.0.1');
    socket.write(`POST ${INFER} HTTP/1.1\r\nHost: ${FLIGHTS}\r\nContent-Length: 2\r\n\r\n{}`);
    const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
    const [method, path] = ['POST', '/inference.GRPCInferenceService/ModelStreamInfer'];
    const stream = session.request({ ':method': method, ':path': path, 'content-type': 'application/grpc' });
    stream.on('error', () => {});
    const webSocket = new WebSocket(`ws://127.0.0.1:${gateway.port}/v2/models/add/stream`, {
      headers: { host: FLIGHTS },
    });
    webSocket.on('error', () => {});
    await eventually(held).toBe(3);

    socket.destroy();
    await eventually(held).toBe(2);
    stream.close(HTTP2_CANCEL);
    await eventually(held).toBe(1);
    webSocket.terminate();
    await eventually(held).toBe(0);
    expect(await gateway.metric('requests_total', { code: '499' })).toBe(2);
    expect(await gateway.metric('requests_total', { code: '1' })).toBe(1);
    session.close();
  });

  it('one whose service is deleted: there is no such service any more', async () => {
    withoutPods();
    const client = grpcClient(gateway.port);
    const [rest, call] = [get('/'), client.call('ModelInfer', INFERENCE)];
    await eventually(held).toBe(2);

    gateway.table.delete('team-a', 'flights');

    await expect(call).rejects.toMatchObject({ code: 5 });
    expect(await rest).toMatchObject({ status: 404 });
    expect((await rest).body).toContain('the service was deleted while the request waited for a pod');
    client.close();
  });

  it('but one whose service is made anew waits on', async () => {
    const pod = await oddPod((_, response) => response.end('well'));
    withoutPods();
    const [answer] = await waitInTurn(['/']);

    withoutPods({ uid: 'uid-2', sequence: 1 });
    await sleep(50);
    gateway.table.set(aRoute([pod.backend('flights-1', 100)], { ...more, uid: 'uid-2', sequence: 2 }));

    expect((await answer)?.status).toBe(200);
  });

  it('where waiting is turned off', async () => {
    withoutPods();
    const [answer] = await waitInTurn(['/']);
    withoutPods({ hold: undefined });
    expect((await answer)?.status).toBe(503);
  });
});

describe('at the end of the gateway', () => {
  it('requests wait on, and are answered when a pod comes in time', async () => {
    const pod = await oddPod((_, response) => response.end('well'));
    withoutPods();
    const [answer] = await waitInTurn(['/']);
    const stopped = gateway.stop(60_000);
    await sleep(100);

    appear(pod);

    expect((await answer)?.status).toBe(200);
    await stopped;
  });

  it('they are refused in words when its time is over', async () => {
    withoutPods();
    const client = grpcClient(gateway.port);
    const rest = get('/');
    const call = client.call('ModelInfer', INFERENCE).catch((cause: unknown) => cause);
    await eventually(held).toBe(2);

    await gateway.stop(100);

    expect(await rest).toMatchObject({ status: 503, headers: { 'retry-after': '1' } });
    expect(await call).toMatchObject({ code: 14, details: 'the gateway is shutting down; try again' });
    client.close();
  });
});
