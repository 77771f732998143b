/** The images, the demo by stage, and how long after its pod a service is Ready. Uses the demo's cluster and leaves it running. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { groupVersion } from '@slipway/crds';
import { builtin, createKubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import type { KubeClient } from '@slipway/kube';
import { Registry } from 'prom-client';
import { clusterLayout } from '../../hack/cluster/layout.ts';
import { CLUSTER, NAMESPACE } from '../../hack/demo/flights.ts';
import { buildImages } from '../../hack/images/index.ts';
import { kinds } from '../../operator/src/kinds.ts';
import { silent } from '../apiserver/operator/harness.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const SERVICE = 'bench';
const TIMES = 5;

export async function benchDemo(): Promise<void> {
  const images = await buildImages({ progress: console.log });
  for (const { reference, bytes } of Object.values(images)) {
    console.log(`${reference.padEnd(32)} ${Math.round(bytes / 1e6)} MB`);
  }
  await runDemo();
  const client = createKubeClient({
    kubeConfig: loadKubeConfig(clusterLayout(CLUSTER).kubeconfig),
    userAgent: 'slipway-bench',
    registry: new Registry(),
    clock: realClock,
    log: silent,
  });
  try {
    const seconds: number[] = [];
    for (let time = 0; time < TIMES; time += 1) seconds.push(await readyAfterPod(client));
    seconds.sort((a, b) => a - b);
    const [least = 0, median = 0, most = 0] = [seconds[0], seconds[TIMES >> 1], seconds.at(-1)];
    console.log(
      `\nInferenceService Ready after its server's container started: median ${median.toFixed(2)} s, least ${least.toFixed(2)} s, most ${most.toFixed(2)} s`,
    );
  } finally {
    await client.close();
  }
}

function runDemo(): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(ROOT, 'hack', 'demo', 'main.ts')], { stdio: 'inherit' });
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`the demo ended with code ${code}`))));
  });
}

/** Makes a service of the newest version, and takes it away again. */
async function readyAfterPod(client: KubeClient): Promise<number> {
  const key = { namespace: NAMESPACE, name: SERVICE };
  const { items } = await client.list(kinds.ModelVersion, { namespace: NAMESPACE });
  const version = items.toSorted((a, b) => a.spec.number - b.spec.number).at(-1)?.metadata.name ?? '';
  const labelSelector = `slipway.dev/inferenceservice=${SERVICE}`;
  const stop = new AbortController();
  const watching = { namespace: NAMESPACE, signal: stop.signal, timeoutSeconds: 300, idleTimeoutMs: 300_000 };
  const pods = await client.list(builtin.Pod, { namespace: NAMESPACE, labelSelector });
  const { resourceVersion } = await client.list(kinds.InferenceService, { namespace: NAMESPACE });
  const podEvents = await client.watch(builtin.Pod, {
    ...watching,
    labelSelector,
    resourceVersion: pods.resourceVersion,
  });
  const serviceEvents = await client.watch(kinds.InferenceService, { ...watching, resourceVersion });
  const started = firstTime(podEvents, ({ status }) =>
    (status?.containerStatuses ?? []).some((container) => container.state?.running !== undefined),
  );
  const ready = firstTime(serviceEvents, ({ metadata, status }) =>
    (status?.conditions ?? []).some(
      ({ type, status: is }) => metadata.name === SERVICE && type === 'Ready' && is === 'True',
    ),
  );
  const spec = { modelVersion: { name: version } };
  const service = { apiVersion: groupVersion, kind: 'InferenceService' as const, metadata: key, spec };
  await client.apply(kinds.InferenceService, service, { fieldManager: 'bench' });
  const seconds = ((await ready) - (await started)) / 1000;
  stop.abort();
  await client.delete(kinds.InferenceService, key, { propagationPolicy: 'Foreground' });
  while ((await client.list(builtin.Pod, { namespace: NAMESPACE, labelSelector })).items.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return seconds;
}

/** When a watch first tells of such an object, in milliseconds of `performance.now()`. */
async function firstTime<T>(events: AsyncIterable<{ object: T }>, isIt: (object: T) => boolean): Promise<number> {
  for await (const { object } of events) if (isIt(object)) return performance.now();
  throw new Error('the watch ended');
}
