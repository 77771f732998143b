/**
 * The operator, bundled as in its image, as a process beside a real API server, with pods played through the API: memory and processor at rest, and how
 * long a person's `apply` takes to become a Job and its pod; what it asks of the API server when all is done.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { groupVersion } from '@slipway/crds';
import { builtin, type KubeKind, type KubeObject } from '@slipway/kube';
import { kinds } from '../../operator/src/kinds.ts';
import { bundleOperator } from '../apiserver/operator/bundle.ts';
import { eventually, startHarness } from '../apiserver/operator/harness.ts';
import type { Harness } from '../apiserver/operator/harness.ts';
import { claim, inferenceService, modelVersion, namespaceNamed, store } from '../apiserver/operator/objects.ts';
import { podScript } from '../faults/driver/pod-script.ts';
import { processorSeconds, residentMebibytes } from './resources.ts';

const NS = 'bench';
const SERVICES = 50;
const APPLIES = 20;
const REST_SECONDS = 30;
const STORES = 1_000;
const STORES_REST_SECONDS = 120;
const METRICS_PORT = 18_080;

export async function benchOperator(): Promise<void> {
  const harness = await startHarness(podScript);
  try {
    const bundle = await bundleOperator(harness.plane.folder);
    const metrics = { SLIPWAY_METRICS_PORT: String(METRICS_PORT) };
    const operator = harness.startOperator(metrics, ['--max-semi-space-size=4', bundle]);
    await operator.working();
    const { pid = 0 } = operator.process;
    await sleep(5_000);
    console.log(`nothing to do:      ${await atRest(pid)}`);

    await harness.apply(namespaceNamed(NS), claim(NS), store(NS));
    const latencies = await applyFeatureSets(harness);
    console.log(`apply to the Job:   ${quantiles(latencies.map(({ job }) => job))}`);
    console.log(`apply to its pod:   ${quantiles(latencies.map(({ pod }) => pod))}`);

    await harness.apply(...Array.from({ length: SERVICES }, (_, index) => served(index)).flat());
    await eventually('all services serve', () => areReady(harness), 300);
    await sleep(15_000);
    console.log(`${SERVICES} services at rest: ${await atRest(pid)}`);

    await makeStores(harness);
    console.log(`${STORES} more objects at rest: ${await atRest(pid)}`);
    console.log(`asked of the API server in ${STORES_REST_SECONDS} s of rest: ${await askedAtRest()}`);
  } finally {
    await harness.stop();
  }
}

function served(index: number): object[] {
  const service = inferenceService(NS, `fare-${index}`);
  return [
    modelVersion(NS, `fare-${index}`),
    { ...service, metadata: { ...service.metadata, name: `service-${index}` } },
  ];
}

async function areReady({ client }: Harness): Promise<boolean> {
  const { items } = await client.list(kinds.InferenceService, { namespace: NS });
  const isReady = ({ status }: (typeof items)[number]) =>
    status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
  return items.length === SERVICES && items.every(isReady);
}

async function makeStores(harness: Harness): Promise<void> {
  const named = (index: number) => ({ ...store(NS), metadata: { name: `store-${index}`, namespace: NS } });
  await harness.apply(...Array.from({ length: STORES }, (_, index) => named(index)));
  const haveStatus = async () => {
    const { items } = await harness.client.list(kinds.Store, { namespace: NS });
    return items.length > STORES && items.every(({ status }) => status?.observedGeneration !== undefined);
  };
  await eventually('all Stores have a status', haveStatus, 300);
  await sleep(15_000);
}

/** Without a lease: this operator works alone. A watch that is opened anew counts as a read. */
async function askedAtRest(): Promise<string> {
  const before = await requestsByMethod();
  await sleep(STORES_REST_SECONDS * 1000);
  const after = await requestsByMethod();
  const asked = (method: string) => (after.get(method) ?? 0) - (before.get(method) ?? 0);
  const writes = ['POST', 'PUT', 'PATCH', 'DELETE'].reduce((sum, method) => sum + asked(method), 0);
  const aDay = (count: number) => Math.round((count * 86_400) / STORES_REST_SECONDS);
  return `${writes} writes (${aDay(writes)} a day), ${asked('GET')} reads (${aDay(asked('GET'))} a day)`;
}

async function requestsByMethod(): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`http://127.0.0.1:${METRICS_PORT}/metrics`)).text();
  const counts = new Map<string, number>();
  for (const [, method = '', count] of text.matchAll(/^rest_client_requests_total\{.*method="(\w+)".*\} (\d+)$/gm))
    counts.set(method, (counts.get(method) ?? 0) + Number(count));
  return counts;
}

/** Milliseconds from the moment in which the API server had the FeatureSet to the Job, and to the pod that it becomes. */
async function applyFeatureSets(harness: Harness): Promise<{ job: number; pod: number }[]> {
  const seenAt = new Map<string, number>();
  const stop = new AbortController();
  const watching = [
    noteArrivals(harness, builtin.Job, { seenAt, stop: stop.signal }),
    noteArrivals(harness, builtin.Pod, { seenAt, stop: stop.signal }),
  ];
  await Promise.all(watching.map(({ open }) => open));
  const latencies: { job: number; pod: number }[] = [];
  for (let index = 0; index < APPLIES; index += 1) {
    const name = `features-${index}`;
    await harness.client.apply(kinds.FeatureSet, featureSet(name), { fieldManager: 'a-person' });
    const applied = performance.now();
    const at = (kind: string) => () => Promise.resolve(seenAt.get(`${kind} ${name}`));
    latencies.push({
      job: (await eventually('the Job', at('Job'))) - applied,
      pod: (await eventually('its pod', at('Pod'))) - applied,
    });
    await sleep(200); // what came after the pod is over
  }
  stop.abort();
  await Promise.all(watching.map(({ done }) => done));
  return latencies;
}

interface Arrivals {
  readonly seenAt: Map<string, number>;
  readonly stop: AbortSignal;
}

/** Notes when the first Job, and pod, of each FeatureSet was told by a watch. */
function noteArrivals<T extends KubeObject>({ client }: Harness, kind: KubeKind<T>, { seenAt, stop }: Arrivals) {
  const options = { namespace: NS, signal: stop, timeoutSeconds: 600, idleTimeoutMs: 600_000 };
  const opening = client
    .list(kind, { namespace: NS })
    .then(({ resourceVersion }) => client.watch(kind, { ...options, resourceVersion }));
  const note = async () => {
    for await (const { object } of await opening) {
      const key = `${kind.kind} ${object.metadata.labels?.['slipway.dev/featureset']}`;
      if (!seenAt.has(key)) seenAt.set(key, performance.now());
    }
  };
  return { open: opening, done: note().catch(() => undefined) };
}

function featureSet(name: string) {
  const spec = {
    entities: [{ name: 'origin', type: 'String' as const }],
    source: { files: { store: { name: 'default' }, path: 'weather/*.csv', format: 'Csv' as const } },
    time: { event: 'time_hour' },
    features: [{ name: 'temp', type: 'Float32' as const }],
    ttl: '3h',
  };
  return { apiVersion: groupVersion, kind: 'FeatureSet' as const, metadata: { name, namespace: NS }, spec };
}

function quantiles(milliseconds: readonly number[]): string {
  const sorted = [...milliseconds].sort((a, b) => a - b);
  const at = (q: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(0);
  return `p50 ${at(0.5)} ms, p90 ${at(0.9)} ms, most ${at(1)} ms (${sorted.length} times)`;
}

async function atRest(pid: number): Promise<string> {
  const before = processorSeconds(pid);
  await sleep(REST_SECONDS * 1000);
  const used = ((processorSeconds(pid) - before) / REST_SECONDS) * 1000;
  return `${Math.round(residentMebibytes(pid).now)} MiB resident, ${used.toFixed(1)} thousandths of a core`;
}
