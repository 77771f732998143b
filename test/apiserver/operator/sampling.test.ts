/** Samples from the spec to the files: what the operator tells the gateways, and what a gateway that is killed leaves. */
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kinds } from '../../../operator/src/kinds.ts';
import { podScript } from '../../faults/driver/pod-script.ts';
import { ownAddress, startGateway } from '../running-gateway.ts';
import type { RunningGateway } from '../running-gateway.ts';
import { eventually, startHarness } from './harness.ts';
import type { Harness, OperatorProcess } from './harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store } from './objects.ts';

const NS = 'team';
const FLIGHTS = { namespace: NS, name: 'flights' };
let harness: Harness;
let operator: OperatorProcess;

beforeAll(async () => {
  harness = await startHarness(podScript);
  operator = harness.startOperator({ SLIPWAY_GATEWAY_SAMPLING: 'Enabled' });
  await harness.apply(namespaceNamed(NS), claim(NS), store(NS), modelVersion(NS, 'delay-1'));
});
afterAll(() => harness?.stop());

async function routed(): Promise<TrafficRoute['spec'] | undefined> {
  return (await harness.get<TrafficRoute>(kinds.TrafficRoute, FLIGHTS))?.spec;
}

async function says(...wanted: readonly string[]): Promise<void> {
  const look = async () => {
    const found = await harness.get<InferenceService>(kinds.InferenceService, FLIGHTS);
    const told = (found?.status?.conditions ?? []).map(({ type, status, reason }) => `${type} ${status} ${reason}`);
    return wanted.every((one) => told.includes(one));
  };
  // An operator starts first, and that is slow where many tests run.
  await eventually(`the service says ${wanted.join(' and ')}`, look, 90);
}

describe('spec.sampling', () => {
  it('reaches the gateways with its defaults, in bytes, and with the version that serves', async () => {
    await harness.apply(inferenceService(NS, 'delay-1', { sampling: { percent: 5 } }));
    await says('Ready True UpToDate', 'Sampled True Sampled');

    expect(await routed()).toMatchObject({
      sampling: { percent: 5, maxPerMinute: 600, maxBytes: 65_536 },
      backends: [{ modelVersion: 'delay-1', weight: 100 }],
    });
  });

  it('is refused in words where it makes no sense', async () => {
    const refusal = async (sampling: object, more: object = {}) => {
      const object = inferenceService(NS, 'delay-1', { sampling, ...more });
      return (await harness.plane.kubectl(['apply', '-f', '-'], JSON.stringify(object))).stderr;
    };
    const expose = { hosts: ['flights.example.org'], by: 'GatewayApi', gateway: { name: 'public' } };

    expect(await refusal({ percent: 5, maxBytes: '1Gi' })).toContain('maxBytes must be a quantity from 0 to 256Ki');
    expect(await refusal({ percent: 5, maxBytes: '-1' })).toContain('maxBytes must be a quantity from 0 to 256Ki');
    expect(await refusal({ percent: 5, maxBytes: 'much' })).toContain('maxBytes must be a quantity from 0 to 256Ki');
    expect(await refusal({ percent: 0 })).toContain('should be greater than or equal to 1');
    expect(await refusal({ percent: 5 }, { expose })).toContain("sampling is done by Slipway's gateways alone");
    expect(await refusal({ percent: 5, maxBytes: 1024 })).toBe('');
    await eventually('the route follows', async () => (await routed())?.sampling?.maxBytes === 1024);
  });

  it('is told as what the install does not do, where its gateways keep none', async () => {
    await operator.kill();
    operator = harness.startOperator();
    await says('Ready False SamplingDisabled', 'Sampled False SamplingDisabled', 'Serving True Serving');

    await harness.apply(inferenceService(NS, 'delay-1'));
    await says('Ready True UpToDate');
    expect(await routed()).not.toHaveProperty('sampling');
  });
});

describe('a gateway that is killed while it writes', () => {
  let folder: string;
  let pod: Server;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'slipway-samples-'));
    pod = createServer((_, response) => void response.end('{"outputs":[]}'));
    await new Promise<void>((resolve) => pod.listen(0, '0.0.0.0', resolve));
    const name = 'sampled';
    const endpoints = { service: { name }, httpPort: (pod.address() as AddressInfo).port };
    const backends = [{ revision: name, modelVersion: 'delay-1', weight: 100, endpoints }];
    await harness.apply(
      {
        apiVersion: 'slipway.dev/v1alpha1',
        kind: 'TrafficRoute',
        metadata: { name, namespace: NS },
        spec: {
          sequence: 1,
          backends,
          stable: name,
          sampling: { percent: 100, maxPerMinute: 60_000, maxBytes: 1024 },
        },
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name, namespace: NS, labels: { 'kubernetes.io/service-name': name } },
        addressType: 'IPv4',
        endpoints: [{ addresses: [ownAddress()], conditions: { ready: true } }],
        ports: [],
      },
    );
  });
  afterAll(() => {
    pod?.closeAllConnections();
    pod?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const ask = ({ ports }: RunningGateway, id: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: `sampled.${NS}.svc`, 'x-request-id': id };
      const options = { port: ports.data, method: 'POST', path: '/v2/models/sampled/infer', headers, agent: false };
      const asking = request(options, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      });
      asking.on('error', reject).end('{"inputs":[]}');
    });
  const start = async () => {
    const gateway = await startGateway(harness.plane.kubeconfigPath, [`--sampling-dir=${folder}`]);
    await eventually('it knows the route', async () => (await ask(gateway, 'first')) === 200);
    return gateway;
  };
  const files = () =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => join(parentPath, name));
  const ids = () =>
    files()
      .flatMap((path) => readFileSync(path, 'utf8').split('\n'))
      .flatMap((line) => (line === '' ? [] : [(JSON.parse(line) as { requestId: string }).requestId]));

  it('leaves whole lines, which the next finishes; one that is told to end leaves all of them finished', async () => {
    const killed = await start();
    for (let count = 0; count < 20; count += 1) await ask(killed, `killed-${count}`);
    await eventually('the lines are written', () => Promise.resolve(ids().includes('killed-19')));
    const [open = ''] = files();
    expect(open).toMatch(/\.jsonl\.open$/);
    killed.process.kill('SIGKILL');
    await killed.ended;
    appendFileSync(open, '{"time":"2026-');

    const next = await start();
    await ask(next, 'next');
    await eventually('it has finished what was left', () =>
      Promise.resolve(files().includes(open.replace(/\.open$/, ''))),
    );
    next.process.kill('SIGTERM');
    expect(await next.ended).toBe(0);

    expect(files().filter((path) => path.endsWith('.open'))).toEqual([]);
    const expected = [...Array.from({ length: 20 }, (_, index) => `killed-${index}`), 'next'];
    expect(ids()).toEqual(expect.arrayContaining(expected));
  });
});
