import { setTimeout as sleep } from 'node:timers/promises';
import { builtin } from '@slipway/kube';
import type { DeepReadonly, Pod } from '@slipway/kube';
import type { Cluster } from '../../cluster/cluster.ts';
import type { SlipwayObject } from '../../cluster/kinds.ts';
import { isReady, portNamed, proxyPath } from '../../cluster/pods.ts';
import { keyText } from './rows.ts';
import { readMetrics, trafficBetween } from './traffic.ts';
import type { Reading, Traffic } from './traffic.ts';

const SERVICE_LABEL = 'slipway.dev/inferenceservice';
/** A pod that answers later than this is shown without numbers, rather than all the others late. */
const TIMEOUT_MS = 3_000;

/** By `namespace/name` of the service, then by uid of the pod. */
export type Readings = ReadonlyMap<string, ReadonlyMap<string, Reading>>;

/** What the model servers of these services count right now. Whoever may not read it, or gets no answer, gets fewer readings. */
export async function readAll(
  { client, api }: Cluster,
  services: readonly SlipwayObject[],
  namespace: string | undefined,
): Promise<Readings> {
  const wanted = new Set(services.map(keyText));
  const where = namespace === undefined ? {} : { namespace };
  const { items } = await client
    .list(builtin.Pod, { ...where, labelSelector: SERVICE_LABEL })
    .catch(() => ({ items: [] as Pod[] }));
  const readings = new Map<string, Map<string, Reading>>();
  const read = async (pod: DeepReadonly<Pod>) => {
    const model = pod.metadata.labels?.[SERVICE_LABEL] ?? '';
    const key = keyText({ metadata: { namespace: pod.metadata.namespace ?? '', name: model } });
    const port = portNamed(pod, 'metrics');
    if (!wanted.has(key) || !isReady(pod) || port === undefined) return;
    const path = proxyPath(pod, port, '/metrics');
    const answer = await api.request({ path, timeoutMs: TIMEOUT_MS }).catch(() => undefined);
    if (answer?.status !== 200) return;
    const ofService = readings.get(key) ?? new Map<string, Reading>();
    readings.set(key, ofService.set(pod.metadata.uid ?? '', readMetrics(answer.text, model, performance.now())));
  };
  await Promise.all(items.map(read));
  return readings;
}

export function trafficOf(before: Readings, after: Readings): Map<string, Traffic> {
  const traffic = new Map<string, Traffic>();
  for (const [service, pods] of after) {
    const pairs = [...pods].flatMap(([uid, reading]): [Reading, Reading][] => {
      const earlier = before.get(service)?.get(uid);
      return earlier === undefined ? [] : [[earlier, reading]];
    });
    const measured = trafficBetween(pairs);
    if (measured !== undefined) traffic.set(service, measured);
  }
  return traffic;
}

/** Reads twice, `ms` apart. */
export async function measureTraffic(
  cluster: Cluster,
  services: readonly SlipwayObject[],
  {
    namespace,
    ms,
    signal,
  }: { readonly namespace: string | undefined; readonly ms: number; readonly signal: AbortSignal },
): Promise<Map<string, Traffic>> {
  const before = await readAll(cluster, services, namespace);
  if (before.size === 0) return new Map();
  await sleep(ms, undefined, { signal });
  return trafficOf(before, await readAll(cluster, services, namespace));
}
