/** Level: apiserver. A gateway process follows TrafficRoutes and EndpointSlices of a real API server, with the rights that it needs and no more. */
import { createServer, get, request as httpRequest } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayLine } from '@slipway/crds/gateway-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gatewayClusterRules, gatewayRules } from '../../gateway/src/rbac.ts';
import { startControlPlane } from './control-plane.ts';
import type { ControlPlane } from './control-plane.ts';
import { ownAddress, startGateway } from './running-gateway.ts';
import type { RunningGateway } from './running-gateway.ts';

const ROOT = join(import.meta.dirname, '..', '..');

let plane: ControlPlane;
let gateway: RunningGateway;
/** Stand for the pods of two revisions: they say which they are. They share an address, so each has a port of its own. */
let pods: Readonly<Record<'flights-1' | 'flights-2', Server>>;

const POD_ADDRESS = ownAddress();

const portOf = (server: Server) => (server.address() as AddressInfo).port;

async function startPod(name: string): Promise<Server> {
  const server = createServer((_, response) => void setTimeout(() => response.end(name), 20));
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  return server;
}

beforeAll(async () => {
  plane = await startControlPlane();
  const crd = join(ROOT, 'crds', 'generated', 'trafficroutes.yaml');
  expect((await plane.kubectl(['apply', '--server-side', '-f', crd])).stderr).toBe('');
  await plane.kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', crd]);
  pods = { 'flights-1': await startPod('flights-1'), 'flights-2': await startPod('flights-2') };
  gateway = await startGateway(await kubeconfigWithRights());
});

afterAll(async () => {
  gateway?.process.kill('SIGKILL');
  await plane?.stop();
  for (const pod of Object.values(pods ?? {})) {
    pod.closeAllConnections();
    pod.close();
  }
});

async function kubeconfigWithRights(): Promise<string> {
  const group = 'rbac.authorization.k8s.io';
  const named = { metadata: { name: 'gateway' } };
  const account = { kind: 'ServiceAccount', name: 'gateway', namespace: 'default' };
  await apply(
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'gateway', namespace: 'default' } },
    { apiVersion: `${group}/v1`, kind: 'ClusterRole', ...named, rules: [...gatewayRules, ...gatewayClusterRules] },
    {
      apiVersion: `${group}/v1`,
      kind: 'ClusterRoleBinding',
      ...named,
      roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'gateway' },
      subjects: [account],
    },
  );
  const { stdout: token } = await plane.kubectl(['create', 'token', 'gateway', '-n', 'default', '--duration=24h']);
  const path = join(plane.folder, 'gateway.kubeconfig');
  const cluster = { server: plane.url, 'certificate-authority': join(plane.folder, 'ca.crt') };
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'gateway', user: { token: token.trim() } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'gateway' } }],
    }),
  );
  return path;
}

async function apply(...objects: readonly object[]): Promise<void> {
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  const { code, stderr } = await plane.kubectl(['apply', '-f', '-'], list);
  if (code !== 0) throw new Error(stderr);
}

function backend(revision: 'flights-1' | 'flights-2', weight: number): object {
  const port = portOf(pods[revision]);
  return { revision, weight, endpoints: { service: { name: revision }, httpPort: port, grpcPort: port } };
}

function route(sequence: number, weights: readonly [number, number], more: object = {}): object {
  return {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'TrafficRoute',
    metadata: { name: 'flights', namespace: 'default' },
    spec: {
      sequence,
      backends: [backend('flights-1', weights[0]), backend('flights-2', weights[1])],
      stable: 'flights-1',
      ...more,
    },
  };
}

function slice(service: string, ready: boolean): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: service, namespace: 'default', labels: { 'kubernetes.io/service-name': service } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [POD_ADDRESS], conditions: { ready } }],
    ports: [],
  };
}

async function admin(path: string): Promise<{ status: number; json: Record<string, unknown> }> {
  const response = await fetch(`http://127.0.0.1:${gateway.ports.admin}${path}`);
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

interface AppliedRoute {
  readonly name: string;
  readonly uid: string;
  readonly sequence: number;
  readonly backends: readonly { readonly revision: string; readonly weight: number; readonly endpoints: number }[];
}

async function applied(): Promise<AppliedRoute | undefined> {
  const { json } = await admin('/routes');
  return (json['routes'] as readonly AppliedRoute[]).find(({ name }) => name === 'flights');
}

/** Which pod answers; the status where none does. */
function whoAnswers(token?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'flights.default.svc', ...(token && { authorization: `Bearer ${token}` }) };
    const request = httpRequest({ host: '127.0.0.1', port: gateway.ports.data, path: '/', headers, agent: false });
    request.on('error', reject);
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve(response.statusCode === 200 ? body : String(response.statusCode)));
    });
    request.end();
  });
}

const WAIT = { timeout: 60_000, interval: 20 };

it('is ready when it has read the routes', async () => {
  await expect.poll(async () => (await admin('/readyz')).status, WAIT).toBe(200);
  expect((await admin('/healthz')).status).toBe(200);
  expect(await whoAnswers()).toBe('404');
});

it('applies a route and its endpoints, and tells which sequence', async () => {
  await apply(route(1, [100, 0]), slice('flights-1', true), slice('flights-2', true));
  const { stdout: uid } = await plane.kubectl(['get', 'trafficroute', 'flights', '-o', 'jsonpath={.metadata.uid}']);

  await expect.poll(applied, WAIT).toMatchObject({
    uid,
    sequence: 1,
    backends: [
      { revision: 'flights-1', weight: 100, endpoints: 1 },
      { revision: 'flights-2', weight: 0, endpoints: 1 },
    ],
  });
  expect(await whoAnswers()).toBe('flights-1');
});

it('follows a change of weights, and says so', async () => {
  await apply(route(2, [0, 100]));

  await expect.poll(async () => (await applied())?.sequence, WAIT).toBe(2);
  expect(await whoAnswers()).toBe('flights-2');
});

it('the API server refuses a late write, a change without a new sequence, and what makes no sense', async () => {
  const late = 'sequence must rise with each change; this write is older than what is there';
  const refusal = async (object: object) => (await plane.kubectl(['apply', '-f', '-'], JSON.stringify(object))).stderr;

  expect(await refusal(route(1, [100, 0]))).toContain(late);
  expect(await refusal(route(2, [50, 50]))).toContain(late);
  expect(await refusal(route(3, [50, 60]))).toContain('the weights of the backends must be 100 together');
  expect(await refusal(route(3, [50, 50], { stable: 'flights-3' }))).toContain('stable must be the revision of one');
  expect(await refusal(route(3, [50, 50], { mirrors: [{ revision: 'x', percent: 5 }] }))).toContain('a mirror must be');
  expect(await refusal(route(3, [50, 50], { sticky: { salt: 's' } }))).toContain('give exactly one of');
  expect(await refusal(route(3, [50, 50], { hosts: ['no-dot'] }))).toContain('with at least one dot');
  expect((await applied())?.sequence).toBe(2);
  expect(await whoAnswers()).toBe('flights-2');
});

it('gives the traffic of a revision without ready pods to the stable one, until they are back', async () => {
  await apply(slice('flights-2', false));
  await expect.poll(() => whoAnswers(), WAIT).toBe('flights-1');

  await apply(slice('flights-2', true));
  await expect.poll(() => whoAnswers(), WAIT).toBe('flights-2');
});

it('keeps its routes and stays ready while the API server is away, and follows again when it is back', async () => {
  const restarted = plane.restartApiServer();
  const answers: string[] = [];
  let isBack = false;
  void restarted.then(() => (isBack = true));
  while (!isBack) {
    answers.push(await whoAnswers());
    expect((await admin('/readyz')).status).toBe(200);
    await sleep(100);
  }
  await restarted;

  expect(new Set(answers)).toEqual(new Set(['flights-2']));
  await apply(route(3, [100, 0]));
  await expect.poll(async () => (await applied())?.sequence, WAIT).toBe(3);
});

async function newToken(account: string, audience: string): Promise<string> {
  return (await plane.kubectl(['create', 'token', account, '-n', 'default', `--audience=${audience}`])).stdout.trim();
}

it('tells the stream to its operator alone, where it is told who that is', async () => {
  for (const name of ['operator', 'another'])
    await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'default' } });
  const guarded = await startGateway(join(plane.folder, 'gateway.kubeconfig'), ['--operator=default/operator']);
  const status = async (path: string, token?: string) => {
    const answer = await fetch(`http://127.0.0.1:${guarded.ports.admin}${path}`, {
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    await answer.body?.cancel();
    return answer.status;
  };

  expect(await status('/stream', await newToken('operator', 'slipway-gateways'))).toBe(200);
  expect(await status('/stream')).toBe(401);
  expect(await status('/stream', await newToken('operator', 'slipway'))).toBe(401);
  expect(await status('/stream', await newToken('another', 'slipway-gateways'))).toBe(403);
  expect(await status('/healthz')).toBe(200);
  guarded.process.kill('SIGKILL');
});

describe('access', () => {
  const from = (...callers: readonly object[]) => ({ access: { from: callers } });
  const checkout = { serviceAccount: { namespace: 'default', name: 'checkout' } };

  async function applyAccess(sequence: number, access: object): Promise<void> {
    await apply(route(sequence, [100, 0], access));
    await expect.poll(async () => (await applied())?.sequence, WAIT).toBe(sequence);
  }

  beforeAll(async () => {
    for (const name of ['checkout', 'stranger', 'leaver'])
      await apply({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace: 'default' } });
  });

  it('lets in the service accounts that it names, by tokens that are for it', async () => {
    await applyAccess(4, from(checkout));

    expect(await whoAnswers()).toBe('401');
    expect(await whoAnswers(await newToken('checkout', 'slipway'))).toBe('flights-1');
    expect(await whoAnswers(await newToken('stranger', 'slipway'))).toBe('403');
    expect(await whoAnswers(await newToken('checkout', 'https://kubernetes.default.svc'))).toBe('401');
    const [head, , signature] = (await newToken('stranger', 'slipway')).split('.');
    const [, claims] = (await newToken('checkout', 'slipway')).split('.');
    expect(await whoAnswers(`${head}.${claims}.${signature}`)).toBe('401');
  });

  it('lets in all of a namespace, and no token of an account that is gone', async () => {
    const token = await newToken('leaver', 'slipway');
    await plane.kubectl(['delete', 'serviceaccount', 'leaver', '-n', 'default']);
    await applyAccess(5, from({ namespace: { name: 'default' } }));

    expect(await whoAnswers(await newToken('stranger', 'slipway'))).toBe('flights-1');
    expect(await whoAnswers(token)).toBe('401');
  });

  it('is open where it names anyone', async () => {
    await applyAccess(6, from(checkout, { anyone: {} }));
    expect(await whoAnswers()).toBe('flights-1');
    await applyAccess(7, from({ namespace: { name: 'default' } }));
    expect(await whoAnswers()).toBe('401');
  });

  it('while the API server is away lets in whom it knows, and says 503 to others', async () => {
    const [known, unknown] = [await newToken('checkout', 'slipway'), await newToken('checkout', 'slipway')];
    expect(await whoAnswers(known)).toBe('flights-1');
    const restarted = plane.restartApiServer();
    const answers: Record<'known' | 'unknown', string[]> = { known: [], unknown: [] };
    let isBack = false;
    void restarted.then(() => (isBack = true));
    while (!isBack) {
      answers.known.push(await whoAnswers(known));
      answers.unknown.push(await whoAnswers(unknown));
      await sleep(100);
    }
    await restarted;

    expect(new Set(answers.known)).toEqual(new Set(['flights-1']));
    expect(answers.unknown).toContain('503');
    await expect.poll(() => whoAnswers(unknown), WAIT).toBe('flights-1');
  });

  it.each([
    [from(), 'spec.access.from: Invalid value: 0: spec.access.from in body should have at least 1 items'],
    [from({}), 'give exactly one of serviceAccount, namespace, certificate and anyone'],
    [
      from({ ...checkout, namespace: { name: 'web' } }),
      'give exactly one of serviceAccount, namespace, certificate and anyone',
    ],
    [from({ certificate: { name: 'a, DNS:b' } }), 'must be a DNS name or a URI'],
    [from({ serviceAccount: { namespace: 'web', name: 'a/b' } }), 'must be the name of a service account'],
  ])('%j is refused: %s', async (access, message) => {
    const { stderr } = await plane.kubectl(['apply', '-f', '-'], JSON.stringify(route(9, [100, 0], access)));
    expect(stderr).toContain(message);
  });
});

describe('waiting for a pod', () => {
  const holding = (hold: object) => ({ limits: { hold } });

  it('a request of a service without pods is told at once on the stream, and answered when a pod is there', async () => {
    await apply(slice('flights-1', false), slice('flights-2', false), route(10, [100, 0], holding({})));
    // Routes and endpoints come by two watches, in any order.
    const nothing = [{ endpoints: 0 }, { endpoints: 0 }];
    await expect.poll(applied, WAIT).toMatchObject({ sequence: 10, backends: nothing });
    const told: GatewayLine[] = [];
    const stream = get({ host: '127.0.0.1', port: gateway.ports.admin, path: '/stream' }, (response) => {
      const take = (line: string) => void told.push(GatewayLine.parse(JSON.parse(line)));
      createInterface(response)
        .on('line', take)
        .on('error', () => {});
    });
    stream.on('error', () => {});

    const answer = whoAnswers();

    const held = () => told.flatMap((line) => ('load' in line ? line.load.routes.map((each) => each.held) : [])).at(-1);
    await expect.poll(held, WAIT).toBe(1);
    await apply(slice('flights-1', true));
    expect(await answer).toBe('flights-1');
    expect(told[0]).toHaveProperty('hello');
    stream.destroy();
  });

  it.each([
    [{ timeout: '2h' }, 'timeout must be from 1s to 1h'],
    [{ timeout: '10ms' }, 'timeout must be from 1s to 1h'],
    [{ requests: 0 }, 'should be greater than or equal to 1'],
  ])('%j is refused: %s', async (hold, message) => {
    const { stderr } = await plane.kubectl(['apply', '-f', '-'], JSON.stringify(route(11, [100, 0], holding(hold))));
    expect(stderr).toContain(message);
  });
});

it('forgets a route that is deleted', async () => {
  await plane.kubectl(['delete', 'trafficroute', 'flights']);

  await expect.poll(applied, WAIT).toBeUndefined();
  expect(await whoAnswers()).toBe('404');
});

it('at its end says that it is not ready, goes on answering for a while, and ends well', async () => {
  await apply(route(1, [100, 0]));
  await expect.poll(() => whoAnswers(), WAIT).toBe('flights-1');

  gateway.process.kill('SIGTERM');
  await expect.poll(async () => (await admin('/readyz')).status, WAIT).toBe(503);

  expect(await whoAnswers()).toBe('flights-1');
  expect(await gateway.ended).toBe(0);
});
