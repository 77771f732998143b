/** Keeps the table equal to the TrafficRoutes and EndpointSlices of the API. Without the API it stays as it was. */
import { GROUP, trafficRouteDefinition, VERSION } from '@slipway/crds';
import type { TrafficRoute } from '@slipway/crds';
import { builtin, createManager, defineKind, keyOf, keyToString, settled, watch } from '@slipway/kube';
import type { Cache, Clock, DeepReadonly, EndpointSlice, KubeClient, Logger, Manager, ObjectKey } from '@slipway/kube';
import type { Registry } from 'prom-client';
import { EndpointPool } from '../routing/endpoint-pool.ts';
import type { Route } from '../routing/route.ts';
import type { RouteTable } from '../routing/route-table.ts';
import { buildRoute } from './build-route.ts';
import {
  endpointAddresses,
  keptOfSlice,
  SERVICE_LABEL,
  serviceKey,
  serviceOfSlice,
  silentAddresses,
} from './endpoint-addresses.ts';

const trafficRoutes = defineKind<TrafficRoute>({
  group: GROUP,
  version: VERSION,
  kind: trafficRouteDefinition.kind,
  plural: trafficRouteDefinition.plural,
  namespaced: true,
});

export interface RouteSourceOptions {
  readonly client: KubeClient;
  readonly log: Logger;
  readonly clock: Clock;
  readonly registry: Registry;
  /** undefined: all. */
  readonly namespaces: readonly string[] | undefined;
  readonly table: RouteTable;
}

export interface RouteSource {
  /** Until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** What the API server had at the start is in the table. */
  hasSynced(): boolean;
}

export function createRouteSource({ table, namespaces, ...deps }: RouteSourceOptions): RouteSource {
  const manager: Manager = createManager({ ...deps, ...(namespaces === undefined ? {} : { namespaces }) });
  const routes = manager.cache(trafficRoutes, {
    indexes: {
      service: servicesOf,
    },
  });
  const slices = manager.cache(builtin.EndpointSlice, {
    labelSelector: SERVICE_LABEL,
    indexes: { service: (slice) => [serviceOfSlice(slice) ?? ''] },
    keep: keptOfSlice,
  });
  const pools = new Map<string, EndpointPool>();
  /** The Services of each route that is in the table. */
  const services = new Map<string, readonly string[]>();
  /** Routes that were looked at, until all that were there at the start are among them. */
  const seen = new Set<string>();
  let isSynced = false;

  function apply(key: ObjectKey): void {
    const { namespace = '', name } = key;
    const text = keyToString(key);
    const servicesBefore = services.get(text) ?? [];
    const object = routes.get(key);
    if (!isSynced) seen.add(text);
    if (object === undefined) {
      table.delete(namespace, name);
      services.delete(text);
      deps.log.info({ namespace, route: name }, 'route removed');
    } else {
      const before = table.get(namespace, name);
      const route = buildRoute(object, (service) => filledPool({ pools, slices }, serviceKey(namespace, service)));
      table.set(route);
      services.set(text, servicesOf(object));
      if (before?.sequence !== route.sequence || before.uid !== route.uid) logApplied(deps.log, route, table);
    }
    for (const service of servicesBefore) if (routes.byIndex('service', service).length === 0) pools.delete(service);
  }

  manager.addController({
    name: 'trafficroute.gateway',
    for: routes,
    watches: [watch(slices, (slice) => routes.byIndex('service', serviceOfSlice(slice) ?? '').map(keyOf))],
    reconcile: (key) => {
      apply(key);
      return Promise.resolve(settled());
    },
  });

  return {
    run: (signal) => manager.run(signal),
    hasSynced: () => {
      if (isSynced) return true;
      if (!routes.hasSynced() || !slices.hasSynced()) return false;
      isSynced = routes.list().every((route) => seen.has(keyToString(keyOf(route))));
      return isSynced;
    },
  };
}

function servicesOf({ metadata, spec }: DeepReadonly<TrafficRoute>): readonly string[] {
  return spec.backends.map(({ endpoints }) => serviceKey(metadata.namespace, endpoints.service.name));
}

interface PoolSources {
  readonly pools: Map<string, EndpointPool>;
  readonly slices: Cache<EndpointSlice>;
}

/** One pool a Service, whichever routes lead to it, so that all know of each other's requests. */
function filledPool({ pools, slices }: PoolSources, service: string): EndpointPool {
  const pool = pools.get(service) ?? new EndpointPool();
  pools.set(service, pool);
  const found = slices.byIndex('service', service);
  pool.update(endpointAddresses(found), silentAddresses(found));
  return pool;
}

function logApplied(log: Logger, route: Route, table: RouteTable): void {
  const { namespace, name, sequence } = route;
  log.info({ namespace, route: name, sequence }, 'route applied');
  const lost = table.lostHosts(route);
  if (lost.length > 0) log.warn({ namespace, route: name, hosts: lost }, 'hosts belong to an older route');
}
