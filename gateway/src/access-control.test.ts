/** Who is let in, over every protocol. Whose tokens are says the test; `test/apiserver/gateway.test.ts` asks a real API server. */
import { connect as connectHttp2 } from 'node:http2';
import { Metadata } from '@grpc/grpc-js';
import type { Logger } from '@slipway/kube';
import { grpcClient } from '@slipway/serving-runtime/testing/grpc-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { createCallers } from './access/callers.ts';
import { createGatewayTokens } from './access/gateway-tokens.ts';
import type { Review } from './access/remembered.ts';
import { startModelPods } from './testing/model-pods.ts';
import type { ModelPods } from './testing/model-pods.ts';
import { startOddPod } from './testing/odd-pod.ts';
import type { OddPod } from './testing/odd-pod.ts';
import { aRoute } from './testing/routes.ts';
import { ask, eventually, FLIGHTS, INFER, row, startGateway } from './testing/running-gateway.ts';
import type { RunningGateway } from './testing/running-gateway.ts';
import { aToken } from './testing/tokens.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };
const CHECKOUT = aToken({ sub: 'system:serviceaccount:web:checkout' });
const STRANGER = aToken({ sub: 'system:serviceaccount:web:stranger' });
const FORGED = aToken({ sub: 'system:serviceaccount:web:forged' });
const REVIEWS: Readonly<Record<string, Review>> = {
  [CHECKOUT]: { serviceAccount: { namespace: 'web', name: 'checkout' } },
  [STRANGER]: { serviceAccount: { namespace: 'web', name: 'stranger' } },
  [FORGED]: { serviceAccount: undefined },
};
const ACCESS = {
  serviceAccounts: new Set(['web/checkout']),
  namespaces: new Set<string>(),
  certificateNames: new Set<string>(),
};

let pods: ModelPods;
let odd: OddPod;
let gateway: RunningGateway;
/** Of the API server: it does not answer before this has. */
let reviewing: Promise<void>;

beforeAll(async () => {
  pods = await startModelPods(17, 1);
  odd = await startOddPod((request, response) => request.on('end', () => response.end('odd')).resume());
  const callers = createCallers({
    review: async (token) => {
      await reviewing;
      const review = REVIEWS[token];
      if (review === undefined) throw new Error('connection refused');
      return review;
    },
    wallClock: () => Date.now(),
    now: () => performance.now(),
  });
  const gatewayTokens = createGatewayTokens({
    request: (audience) => {
      if (audience !== 'slipway:team-a/flights') return Promise.reject(new Error('connection refused'));
      return Promise.resolve({ text: `token of ${audience}`, expiresAt: new Date(Date.now() + 3600_000) });
    },
    log: silent,
    wallClock: () => Date.now(),
    now: () => performance.now(),
  });
  gateway = await startGateway({ callers, gatewayTokens });
});

beforeEach(() => {
  reviewing = Promise.resolve();
  gateway.table.set(aRoute([pods.backend('flights-1', 100)], { access: ACCESS, hosts: ['127.0.0.1'] }));
});

afterAll(async () => {
  await gateway?.stop(0);
  await pods?.stop();
  await odd?.stop();
  expect(gateway.faults).toEqual([]);
});

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const infer = (headers: Readonly<Record<string, string>>) =>
  ask({ port: gateway.port, path: INFER, body: row(2, 3), headers });
const errorOf = (body: string) => (JSON.parse(body) as { error: string }).error;

describe('REST', () => {
  it('lets in whom access names, also at once with others', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => infer(bearer(CHECKOUT))));
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]));
    expect(JSON.parse((await infer(bearer(CHECKOUT))).body)).toMatchObject({ outputs: [{ data: [5] }] });
  });

  it('says what is missing, and what is wrong', async () => {
    const [missing, forged, stranger] = [await infer({}), await infer(bearer(FORGED)), await infer(bearer(STRANGER))];

    expect([missing.status, missing.headers['www-authenticate']]).toEqual([401, 'Bearer realm="slipway"']);
    expect([forged.status, forged.headers['www-authenticate']]).toEqual([
      401,
      'Bearer realm="slipway", error="invalid_token"',
    ]);
    expect([stranger.status, stranger.headers['www-authenticate']]).toEqual([403, undefined]);
    expect([missing, forged, stranger].map(({ body }) => errorOf(body))).toEqual([
      'this service asks who you are: send "Authorization: Bearer" with a token of a service account for the audience slipway',
      'the API server does not take the token: it may have expired, or its pod or service account is gone',
      'the service account stranger of the namespace web may not call flights of team-a: its access does not name it',
    ]);
    const denied = (code: string) => gateway.metric('denied_total', { namespace: 'team-a', service: 'flights', code });
    expect([await denied('401'), await denied('403')]).toEqual([2, 1]);
  });

  it('says 503 when nobody can tell whose the token is', async () => {
    const { status, headers } = await infer(bearer(aToken({ sub: 'nobody-knows' })));
    expect([status, headers['retry-after']]).toEqual([503, '1']);
  });

  it('holds a body of megabytes back until it is known who sends it', async () => {
    const review = Promise.withResolvers<void>();
    reviewing = review.promise;
    const token = aToken({ sub: 'late' });
    Object.assign(REVIEWS, { [token]: REVIEWS[CHECKOUT] });
    gateway.table.set(aRoute([odd.backend('flights-9', 100)], { access: ACCESS }));
    const before = odd.seen.length;
    const body = 'x'.repeat(4 * 1024 * 1024);
    const answer = ask({ port: gateway.port, path: INFER, body, headers: bearer(token) });
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(odd.seen.length).toBe(before);

    review.resolve();
    expect((await answer).body).toBe('odd');
    expect(odd.seen[before]?.body().length).toBe(body.length);
  });

  it('hands the token on neither to the server nor to a mirror', async () => {
    const mirrors = [{ backend: odd.backend('flights-8', 0), percent: 100 }];
    gateway.table.set(aRoute([odd.backend('flights-9', 100)], { access: ACCESS, mirrors }));
    const before = odd.seen.length;
    await infer(bearer(CHECKOUT));
    await eventually(() => odd.seen.length).toBe(before + 2);

    for (const { rawHeaders } of odd.seen.slice(before))
      expect(rawHeaders.join(' ')).not.toMatch(/authorization|Bearer/i);
  });

  it('asks nobody where the route has no access, and hands all on', async () => {
    gateway.table.set(aRoute([odd.backend('flights-9', 100)]));
    const before = odd.seen.length;

    expect((await infer({})).status).toBe(200);
    expect((await infer({ authorization: 'Basic x' })).status).toBe(200);
    expect(odd.seen[before + 1]?.rawHeaders).toContain('Basic x');
  });
});

describe('pods that take requests from gateways alone', () => {
  const HEADER = 'x-slipway-gateway-token';

  it('get its token by every protocol, and so do mirrors; what a client sends in its place they do not', async () => {
    const mirrors = [{ backend: odd.backend('flights-8', 0), percent: 100 }];
    gateway.table.set(aRoute([odd.backend('flights-9', 100)], { needsGatewayToken: true, mirrors }));
    const before = odd.seen.length;
    await infer({ [HEADER]: 'forged' });
    await eventually(() => odd.seen.length).toBe(before + 2);
    const socket = new WebSocket(`ws://127.0.0.1:${gateway.port}/v2/models/add/stream`, {
      headers: { host: FLIGHTS, [HEADER]: 'forged' },
    });
    socket.on('error', () => {});
    await eventually(() => odd.seen.length).toBe(before + 3);

    for (const { rawHeaders } of odd.seen.slice(before)) {
      const at = rawHeaders.flatMap((text, index) => (text === HEADER ? [rawHeaders[index + 1]] : []));
      expect(at).toEqual(['token of slipway:team-a/flights']);
    }
  });

  it('get nothing while the gateway has no token, and the client is told so', async () => {
    gateway.table.set(aRoute([odd.backend('flights-9', 100)], { needsGatewayToken: true, name: 'none' }));
    const { status, body } = await ask({ port: gateway.port, path: INFER, body: row(2, 3), host: 'none.team-a.svc' });
    gateway.table.delete('team-a', 'none');

    expect([status, errorOf(body)]).toEqual([503, expect.stringContaining('no token for the pods of this service')]);
  });
});

it('HTTP/2 is asked the same', async () => {
  const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
  const status = (headers: Readonly<Record<string, string>>) =>
    new Promise((resolve) => {
      const own = { ':method': 'POST', ':path': INFER, ':authority': FLIGHTS };
      session
        .request({ ...own, ...headers })
        .on('response', (answer) => resolve(answer[':status']))
        .resume()
        .end(row(2, 3));
    });

  expect(await Promise.all([status({}), status(bearer(STRANGER)), status(bearer(CHECKOUT))])).toEqual([401, 403, 200]);
  session.close();
});

describe('gRPC', () => {
  const GRPC_ROW = { name: 'x', datatype: 'FP32', shape: [1, 2], contents: { fp32_contents: [2, 3] } };
  const request = { model_name: 'add', inputs: [GRPC_ROW] };

  it('calls are let in, or refused with code and words', async () => {
    const client = grpcClient(gateway.port);
    const call = (token?: string) => {
      const metadata = new Metadata();
      if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
      return client.call('ModelInfer', request, { metadata });
    };

    expect((await call(CHECKOUT)).answer).toMatchObject({ outputs: [{ contents: { fp32_contents: [5] } }] });
    await expect(call()).rejects.toMatchObject({ code: 16, details: expect.stringMatching('who you are') as string });
    await expect(call(STRANGER)).rejects.toMatchObject({
      code: 7,
      details: expect.stringMatching('may not') as string,
    });
    client.close();
  });

  it('a stream is let in when it begins', async () => {
    const client = grpcClient(gateway.port);
    const stream = client.stream('ModelStreamInfer', bearer(CHECKOUT));
    stream.send(request);
    expect(await stream.next()).toMatchObject({ infer_response: { outputs: [{ contents: { fp32_contents: [5] } }] } });
    stream.end();
    expect(await stream.next()).toBeUndefined();

    await expect(client.stream('ModelStreamInfer').next()).rejects.toMatchObject({ code: 16 });
    client.close();
  });
});

it('a WebSocket is let in by its handshake, or refused in words', async () => {
  const open = (headers: Readonly<Record<string, string>>) =>
    new WebSocket(`ws://127.0.0.1:${gateway.port}/v2/models/add/stream`, { headers: { host: FLIGHTS, ...headers } });
  const refused = (headers: Readonly<Record<string, string>>) =>
    new Promise<number>((resolve) => {
      const socket = open(headers);
      socket.on('error', () => {});
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0));
    });
  expect([await refused({}), await refused(bearer(STRANGER))]).toEqual([401, 403]);

  const socket = open(bearer(CHECKOUT));
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const answer = new Promise((resolve) =>
    socket.once('message', (data) => resolve(JSON.parse((data as Buffer).toString('utf8')))),
  );
  socket.send(row(2, 3));
  expect(await answer).toMatchObject({ outputs: [{ data: [5] }] });
  socket.close();
});

it('a client that goes before it is known who it is leaves nothing behind', async () => {
  const review = Promise.withResolvers<void>();
  reviewing = review.promise;
  const token = aToken({ sub: 'hasty' });
  Object.assign(REVIEWS, { [token]: REVIEWS[CHECKOUT] });
  gateway.table.set(aRoute([odd.backend('flights-9', 100)], { access: ACCESS }));
  const before = odd.seen.length;
  const session = connectHttp2(`http://127.0.0.1:${gateway.port}`);
  const stream = session.request({ ':path': '/hasty', ':authority': FLIGHTS, ...bearer(token) });
  await new Promise((resolve) => setTimeout(resolve, 50));
  stream.close();
  session.close();
  await new Promise((resolve) => setTimeout(resolve, 50));

  review.resolve();
  expect((await ask({ port: gateway.port, path: '/next', headers: bearer(token) })).status).toBe(200);
  expect(odd.seen.slice(before).map(({ path }) => path)).toEqual(['/next']);
  expect(await gateway.metric('requests_in_flight')).toBe(0);
});
