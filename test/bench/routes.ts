/**
 * How soon a gateway follows a route, and what many routes cost it: `npm run bench -- routes`. A real API server, and one gateway that watches it.
 */
import { join } from 'node:path';
import type { TrafficRoute } from '@slipway/crds';
import { builtin, createKubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import type { EndpointSlice, KubeClient } from '@slipway/kube';
import { Registry } from 'prom-client';
import { kinds } from '../../operator/src/kinds.ts';
import { readGatewayStream } from '../../operator/src/gateways/gateway-stream.ts';
import { startControlPlane } from '../apiserver/control-plane.ts';
import { silent } from '../apiserver/operator/harness.ts';
import { startGateway } from '../apiserver/running-gateway.ts';
import { processorSeconds, residentMebibytes } from './resources.ts';

const ROUTES = [1_000, 10_000];
const ENDPOINTS = 10;
const CHANGES = 200;
const WRITES_AT_A_TIME = 32;
const NAMESPACE = 'default';
const BENCH = { fieldManager: 'bench' };

export async function benchRoutes(): Promise<void> {
  const plane = await startControlPlane({});
  const registry = new Registry();
  const kubeConfig = loadKubeConfig(plane.kubeconfigPath);
  const client = createKubeClient({ kubeConfig, userAgent: 'bench', registry, clock: realClock, log: silent });
  try {
    const crd = join(import.meta.dirname, '..', '..', 'crds', 'generated', 'trafficroutes.yaml');
    await plane.kubectl(['apply', '--server-side', '-f', crd]);
    await plane.kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', crd]);
    console.log(
      `| routes x ${ENDPOINTS} endpoints | from start to ready | MiB resident | CPU to ready | a change is followed after: p50 | p99 | longest |`,
    );
    console.log('|---|---|---|---|---|---|---|');
    let made = 0;
    for (const count of ROUTES) {
      await makeRoutes(client, made, count);
      made = count;
      await measure(client, plane.kubeconfigPath, count);
    }
  } finally {
    await client.close();
    await plane.stop();
  }
}

async function measure(client: KubeClient, kubeconfig: string, count: number): Promise<void> {
  const startedAt = performance.now();
  const gateway = await startGateway(kubeconfig);
  const pid = gateway.process.pid ?? 0;
  const stop = new AbortController();
  try {
    await isReady(gateway.ports.admin);
    const readyMs = performance.now() - startedAt;
    const [memory, seconds] = [residentMebibytes(pid), processorSeconds(pid)];
    const delays = await changes(client, { port: gateway.ports.admin, count, signal: stop.signal });
    const ms = (share: number) => `${(delays[Math.ceil(share * delays.length) - 1] ?? Number.NaN).toFixed(1)} ms`;
    const cells = [
      count.toLocaleString('en'),
      `${(readyMs / 1000).toFixed(1)} s`,
      `${Math.round(memory.now)} (at most ${Math.round(memory.peak)})`,
      `${seconds.toFixed(1)} s`,
      ms(0.5),
      ms(0.99),
      ms(1),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  } finally {
    stop.abort();
    gateway.process.kill('SIGKILL');
    await gateway.ended;
  }
}

async function isReady(adminPort: number): Promise<void> {
  for (;;) {
    const { status } = await fetch(`http://127.0.0.1:${adminPort}/readyz`);
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Followed {
  readonly port: number;
  readonly count: number;
  readonly signal: AbortSignal;
}

/** Milliseconds from the API server's answer to a write until the gateway says that it applies it; sorted. */
async function changes(client: KubeClient, { port, count, signal }: Followed): Promise<readonly number[]> {
  let heard: (uid: string, sequence: number) => void = () => undefined;
  readGatewayStream(
    { address: '127.0.0.1', port },
    (line) => 'route' in line && heard(line.route.uid, line.route.sequence),
    signal,
  ).catch(() => undefined);
  const delays: number[] = [];
  for (let change = 0; change < CHANGES; change += 1) {
    const key = { namespace: NAMESPACE, name: nameOf(Math.floor((change * count) / CHANGES)) };
    const { metadata, spec } = await client.get(kinds.TrafficRoute, key);
    const sequence = spec.sequence + 1;
    const followed = new Promise<number>((resolve) => {
      heard = (uid, told) => uid === metadata.uid && told === sequence && resolve(performance.now());
    });
    const limits = { timeout: `${60 + sequence}s` };
    await client.mergePatch(kinds.TrafficRoute, key, { spec: { sequence, limits } }, BENCH);
    const answeredAt = performance.now();
    // It may follow before we have the answer.
    delays.push(Math.max(0, (await followed) - answeredAt));
  }
  return delays.sort((a, b) => a - b);
}

const nameOf = (index: number) => `service-${index}`;

async function makeRoutes(client: KubeClient, from: number, to: number): Promise<void> {
  let next = from;
  const write = async () => {
    for (let index = next; index < to; index = next) {
      next += 1;
      await client.create(kinds.TrafficRoute, routeNamed(nameOf(index)), BENCH);
      await client.create(builtin.EndpointSlice, sliceNamed(nameOf(index), index), BENCH);
    }
  };
  await Promise.all(Array.from({ length: WRITES_AT_A_TIME }, write));
}

function routeNamed(name: string): TrafficRoute {
  const endpoints = { service: { name }, httpPort: 8080, grpcPort: 9000 };
  return {
    apiVersion: 'slipway.dev/v1alpha1',
    kind: 'TrafficRoute',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      sequence: 1,
      hosts: [],
      stable: name,
      mirrors: [],
      limits: { timeout: '60s' },
      backends: [{ revision: name, weight: 100, endpoints }],
    },
  };
}

function sliceNamed(name: string, index: number): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [],
    endpoints: Array.from({ length: ENDPOINTS }, (_, endpoint) => ({
      addresses: [`10.${1 + endpoint}.${Math.floor(index / 250)}.${1 + (index % 250)}`],
      conditions: { ready: true, serving: true, terminating: false },
    })),
  };
}
