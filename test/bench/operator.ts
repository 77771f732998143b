/**
 * The operator, bundled as in its image, as a process beside a real API server, with pods played through the API: memory and processor at rest, and how
 * long a person's `apply` takes to become a Job and its pod.
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

export async function benchOperator(): Promise<void> {
  const harness = await startHarness(podScript);
  try {
    const operator = harness.startOperator({}, ['--max-semi-space-size=4', await bundleOperator(harness.plane.folder)]);
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
