import { setTimeout as sleep } from 'node:timers/promises';
import type { TrafficRoute } from '@slipway/crds';
import type { Cluster } from '../../cluster/cluster.ts';
import type { Gateway, GatewayReader } from '../../cluster/gateways.ts';
import { createGatewayReader } from '../../cluster/gateways.ts';
import { keyOf, keyToString } from '@slipway/kube';
import type { SlipwayObject } from '../../cluster/kinds.ts';
import { readMetrics, trafficBetween } from './traffic.ts';
import type { Reading, Traffic } from './traffic.ts';

/** What is asked beside the objects themselves. */
export interface Measured {
  /** By `namespace/name` of the service, as all the others. */
  readonly routes: ReadonlyMap<string, TrafficRoute>;
  /** Those that could not be measured are missing. */
  readonly traffic: ReadonlyMap<string, Traffic>;
  /** Sentences about what could not be measured, and why. */
  readonly obstacles: readonly string[];
}

export const NOTHING_MEASURED: Measured = { routes: new Map(), traffic: new Map(), obstacles: [] };

export interface MeasureOptions {
  /** undefined: all. */
  readonly namespace: string | undefined;
  /** How long the gateways are looked at; 0: not at all. */
  readonly ms: number;
  readonly signal: AbortSignal;
}

export async function measure(
  cluster: Cluster,
  services: readonly SlipwayObject[],
  options: MeasureOptions,
): Promise<Measured> {
  if (services.length === 0) return NOTHING_MEASURED;
  const { namespace, ms } = options;
  const reader = createGatewayReader(cluster);
  const [routes, pairs] = await Promise.all([reader.routes(namespace), ms === 0 ? [] : readTwice(reader, options)]);
  const traffic = services
    .map((service) => keyToString(keyOf(service)))
    .flatMap((key): [string, Traffic][] => {
      const found = trafficBetween(pairs, key);
      return found === undefined ? [] : [[key, found]];
    });
  return {
    routes: new Map(routes.map((route) => [keyToString(keyOf(route)), route])),
    traffic: new Map(traffic),
    obstacles: reader.obstacles(),
  };
}

/** Each gateway that answered both times. */
async function readTwice(
  reader: GatewayReader,
  { namespace, ms, signal }: MeasureOptions,
): Promise<(readonly [Reading, Reading])[]> {
  const gateways = await reader.find(namespace);
  const before = await Promise.all(gateways.map((gateway) => readOne(reader, gateway)));
  if (before.every((reading) => reading === undefined)) return [];
  await sleep(ms, undefined, { signal });
  const pairs = await Promise.all(
    gateways.map(async (gateway, index) => {
      const earlier = before[index];
      const later = earlier && (await readOne(reader, gateway));
      return earlier === undefined || later === undefined ? undefined : ([earlier, later] as const);
    }),
  );
  return pairs.filter((pair) => pair !== undefined);
}

async function readOne(reader: GatewayReader, gateway: Gateway): Promise<Reading | undefined> {
  const text = await reader.ask(gateway, '/metrics');
  return text === undefined ? undefined : readMetrics(text, performance.now());
}
