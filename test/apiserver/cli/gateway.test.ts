/** Level: apiserver. What `slipway` shows of requests, which a real gateway hands to a real model server. */
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer } from '../../../serving-runtime/src/testing/running-server.ts';
import type { RunningServer } from '../../../serving-runtime/src/testing/running-server.ts';
import { DIGEST_A } from '../operator/objects.ts';
import { ownAddress, startGateway } from '../running-gateway.ts';
import type { RunningGateway } from '../running-gateway.ts';
import { startKubeletLogs } from './kubelet-logs.ts';
import { conditions, fareModel, NAMESPACE, startWorld } from './world.ts';
import type { Right, World } from './world.ts';

const GATEWAYS = 'slipway-system';
const ADDRESS = ownAddress();

let world: World;
let kubelet: { stop(): void };
let server: RunningServer;
let gateway: RunningGateway;

beforeAll(async () => {
  world = await startWorld();
  kubelet = await startKubeletLogs(world, () => '');
  const models = { 'fare/1/model.onnx': fareModel(), 'nap/1/model.onnx': fareModel() };
  server = await startServer(models, [`--host=${ADDRESS}`]);
  gateway = await startGateway(world.plane.kubeconfigPath);
  await addService();
  await addGateway();
});
afterAll(async () => {
  gateway?.process.kill('SIGKILL');
  kubelet?.stop();
  await server?.stop();
  await world?.stop();
});

/** `fare` serves, and its route leads all requests to its model server. */
async function addService(): Promise<void> {
  const artifact = { store: { name: 'default' }, path: 'models/x', digest: DIGEST_A, format: 'Onnx' };
  await world.add('ModelVersion', 'fare-1', { spec: { artifact }, status: conditions(['Ready', 'True', 'Verified']) });
  await world.add('InferenceService', 'fare', {
    spec: { modelVersion: { name: 'fare-1' } },
    status: {
      ...conditions(['Ready', 'True', 'UpToDate'], ['Serving', 'True', 'Serving']),
      stable: { revision: 'fare-a', modelVersion: 'fare-1', ready: 1 },
    },
  });
  const backend = { revision: 'fare-a', weight: 100, endpoints: { service: { name: 'fare-a' }, ...httpAndGrpc() } };
  await world.add('TrafficRoute', 'fare', { spec: { sequence: 3, stable: 'fare-a', backends: [backend] } });
  await apply(slice('fare-a', {}, { addresses: [ADDRESS], conditions: { ready: true } }));
}

function httpAndGrpc() {
  return { httpPort: server.ports.http, grpcPort: server.ports.grpc };
}

/** Its pod, and the address of the service, which leads there. */
async function addGateway(): Promise<void> {
  const name = 'slipway-gateway-one';
  await world.addNamespace(GATEWAYS);
  await world.addPod(name, {
    namespace: GATEWAYS,
    labels: {},
    spec: {
      containers: [
        {
          name: 'gateway',
          image: 'gateway',
          ports: [
            { name: 'http', containerPort: gateway.ports.data },
            { name: 'admin', containerPort: gateway.ports.admin },
          ],
        },
      ],
    },
    status: { phase: 'Running', podIP: ADDRESS, podIPs: [{ ip: ADDRESS }] },
  });
  const ours = { 'endpointslice.kubernetes.io/managed-by': 'slipway.dev' };
  const targetRef = { kind: 'Pod', namespace: GATEWAYS, name };
  await apply(slice('fare', ours, { addresses: [ADDRESS], conditions: { ready: true }, targetRef }));
}

function slice(service: string, labels: object, endpoint: object): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: service, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': service, ...labels } },
    addressType: 'IPv4',
    endpoints: [endpoint],
    ports: [],
  };
}

async function apply(object: object): Promise<void> {
  const { code, stderr } = await world.plane.kubectl(['apply', '-f', '-'], JSON.stringify(object));
  if (code !== 0) throw new Error(stderr);
}

/** Asks the service by way of the gateway; resolves with the status. */
function ask(body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { host: `fare.${NAMESPACE}.svc` };
    const to = { host: ADDRESS, port: gateway.ports.data, path: '/v2/models/fare/infer', method: 'POST', headers };
    const request = httpRequest(to, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
    request.end(body);
  });
}

const INPUT = JSON.stringify({ inputs: [{ name: 'trip', shape: [1, 2], datatype: 'FP32', data: [3.1, 12] }] });
const WAIT = { timeout: 60_000, interval: 20 };

/** What stands in the line of `fare`, by the head of its column. */
async function lineOfFare(options: { readonly kubeconfig?: string } = {}) {
  const { stdout, stderr, code } = await world.slipway(['get', 'services', 'fare'], options);
  expect([code, stdout.split('\n').length]).toEqual([0, 3]);
  const [heads = [], cells = []] = stdout.split('\n').map((line) => line.split(/ {3,}/));
  return { cells: Object.fromEntries(heads.map((head, index) => [head, cells[index]])), stderr };
}

describe('slipway get', () => {
  it('shows what the gateways count of requests', async () => {
    await expect.poll(() => ask(INPUT), WAIT).toBe(200);
    let isOver = false;
    const traffic = (async () => {
      while (!isOver) await ask(INPUT);
    })();
    const { cells, stderr } = await lineOfFare();
    isOver = true;
    await traffic;

    expect(cells).toMatchObject({ VERSION: 'fare-1', TRAFFIC: '100%', READY: '1/1', ERRORS: '0%' });
    expect(cells['RATE']).toMatch(/^[\d.]+\/s$/);
    expect(Number.parseFloat(cells['RATE'] ?? '')).toBeGreaterThan(0);
    expect(cells['P99']).toMatch(/^[\d.]+m?s$/);
    expect(stderr).toBe('');
  });

  it('shows that nothing is asked', async () => {
    const { cells, stderr } = await lineOfFare();

    expect(cells).toMatchObject({ TRAFFIC: '100%', RATE: '0/s', P99: '-', ERRORS: '-' });
    expect(stderr).toBe('');
  });

  const ours: Right = { namespace: NAMESPACE, apiGroups: ['slipway.dev'], resources: ['*'], verbs: ['get', 'list'] };
  const slices = { ...ours, apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'] };
  const pods: Right = { namespace: GATEWAYS, apiGroups: [''], resources: ['pods'], verbs: ['get'] };
  const proxy = { ...pods, resources: ['pods/proxy'] };
  it.each([
    ['list endpointslices.discovery.k8s.io in namespace "team"', [ours]],
    ['get pods in namespace "slipway-system"', [ours, slices]],
    ['get pods/proxy in namespace "slipway-system"', [ours, slices, pods]],
  ])('says that the right to %s is missing, and shows the rest', async (right, rights) => {
    const kubeconfig = await world.kubeconfigFor(`reader-${rights.length}`, rights);
    const { cells, stderr } = await lineOfFare({ kubeconfig });

    expect(cells).toMatchObject({ VERSION: 'fare-1', TRAFFIC: '100%', READY: '1/1', RATE: '-', P99: '-', ERRORS: '-' });
    expect(stderr).toBe(`Not all could be measured. You lack the right to ${right}.\n`);
  });

  it('needs no more rights than those', async () => {
    const kubeconfig = await world.kubeconfigFor('reader', [ours, slices, pods, proxy]);
    const { cells, stderr } = await lineOfFare({ kubeconfig });

    expect([cells['RATE'], stderr]).toEqual(['0/s', '']);
  });
});

describe('slipway predict at a service that has no pod while nobody asks', () => {
  const predict = ['predict', 'nap', '--set', 'trip=3.1,12'];
  beforeAll(addNap);

  it('says which right is missing to wake it', async () => {
    const ours: Right = { namespace: NAMESPACE, apiGroups: ['slipway.dev'], resources: ['*'], verbs: ['get', 'list'] };
    const pods: Right = { namespace: NAMESPACE, apiGroups: [''], resources: ['pods'], verbs: ['list'] };
    const kubeconfig = await world.kubeconfigFor('sleeper', [ours, pods]);
    const { code, stderr } = await world.slipway(predict, { kubeconfig });

    expect(code).toBe(1);
    expect(stderr).toContain(
      'error: "nap" has no pod, and no gateway can be asked to wake it. You lack the right to list endpointslices.discovery.k8s.io in namespace "team".',
    );
  });

  it('gives up when its time is over', async () => {
    const { code, stderr } = await world.slipway([...predict, '--timeout', '1']);

    expect(code).toBe(1);
    expect(stderr).toContain('"nap" has no pod while nobody asks: waiting for the first one\n');
    expect(stderr).toContain(`error: No pod of "nap" answered within 1 s.
  Wait longer with --timeout SECONDS, or see why: slipway describe service nap
`);
  });

  it('wakes it, waits for the first pod, and asks that', async () => {
    const asked = world.slipway(predict);
    await expect.poll(requestsThatWait, WAIT).toBe(1);
    await addNapPod();

    const { code, stdout, stderr } = await asked;
    expect([code, stdout]).toEqual([0, 'ROW   fare\n1     12.625\n']);
    expect(stderr).toContain('"nap" has no pod while nobody asks: waiting for the first one\n');
  });
});

/** `nap` serves, and has no pod now. */
async function addNap(): Promise<void> {
  await world.add('InferenceService', 'nap', {
    spec: { modelVersion: { name: 'fare-1' }, scaling: { min: 0, max: 2, replicas: 0, target: { concurrency: 1 } } },
    status: {
      ...conditions(['Ready', 'True', 'ScaledToZero'], ['Serving', 'True', 'ScaledToZero']),
      stable: { revision: 'nap-a', modelVersion: 'fare-1', ready: 0 },
    },
  });
  const backend = { revision: 'nap-a', weight: 100, endpoints: { service: { name: 'nap-a' }, ...httpAndGrpc() } };
  const limits = { hold: { requests: 10, timeout: '120s' } };
  await world.add('TrafficRoute', 'nap', { spec: { sequence: 1, stable: 'nap-a', limits, backends: [backend] } });
}

async function addNapPod(): Promise<void> {
  await world.addPod('nap-pod', {
    labels: { 'slipway.dev/inferenceservice': 'nap', 'slipway.dev/revision': 'nap-a' },
    spec: {
      containers: [{ name: 'server', image: 'server', ports: [{ name: 'http', containerPort: server.ports.http }] }],
    },
    status: {
      phase: 'Running',
      podIP: ADDRESS,
      podIPs: [{ ip: ADDRESS }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  });
  await apply(slice('nap-a', {}, { addresses: [ADDRESS], conditions: { ready: true } }));
}

/** At the gateway, of `nap`. */
async function requestsThatWait(): Promise<number> {
  const answer = await fetch(`http://${ADDRESS}:${gateway.ports.admin}/metrics`);
  const line = /^slipway_gateway_requests_held\{[^}]*nap[^}]*\} (\d+)$/m.exec(await answer.text());
  return Number(line?.[1] ?? 0);
}

it('slipway describe shows where requests go, and whether the gateways follow', async () => {
  const { stdout } = await world.slipway(['describe', 'service', 'fare']);

  expect(stdout).toContain(`Where requests go
  WEIGHT   REVISION   VERSION
  100%     fare-a     fare-1
  Route 3 is followed by 1 of 1 gateways that tell.
`);
});

it('tells of a gateway that does not answer', async () => {
  gateway.process.kill('SIGKILL');
  await gateway.ended;
  const { cells, stderr } = await lineOfFare();

  expect(cells).toMatchObject({ TRAFFIC: '100%', RATE: '-' });
  expect(stderr).toBe('Not all could be measured. Gateway "slipway-gateway-one" does not answer.\n');
});
