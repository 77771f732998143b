/** The hosts of `spec.expose`: which of them lead here, and what is said of those that do not. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { keyOf } from '@slipway/kube';
import type { DeepReadonly, ObjectKey, WantedCondition } from '@slipway/kube';
import { isFalse, isTrue, withObstacle } from '../../conditions.ts';
import type { Obstacle, Reason } from '../../conditions.ts';
import type { Caches } from '../../deps.ts';
import type { GatewayRouteKind } from '../../kinds.ts';
import { isByGatewayApi, requestedRoute } from './build-gateway-route.ts';
import { gatewayApiObstacle, gatewayNameOf, gatewayRouteObstacle } from './gateway-api.ts';
import type { ObservedGatewayRoute } from './gateway-api.ts';
import { hostOwner, hostsOf } from '../../gateways/host-owner.ts';

type Service = DeepReadonly<InferenceService>;
type Route = DeepReadonly<TrafficRoute>;

export interface ObservedHost {
  readonly host: string;
  /** Who has it. Undefined while our route does not list it. */
  readonly owner: ObjectKey | undefined;
}

/** Those that the gateways answer under, in the order of the spec. */
export function observeHosts(
  { trafficRoutes }: Pick<Caches, 'trafficRoutes'>,
  service: Service,
  route: Route | undefined,
): readonly ObservedHost[] {
  if (isByGatewayApi(service)) return [];
  return (service.spec.expose?.hosts ?? []).map((host) => {
    const isListed = route?.spec.hosts.includes(host) === true;
    const owner = isListed ? hostOwner(host, trafficRoutes.byIndex('host', host)) : undefined;
    return { host, owner: owner && keyOf(owner) };
  });
}

/** Those whose hosts may come or go with this route: a route has the name of its service. */
export function servicesOfHosts({ trafficRoutes }: Pick<Caches, 'trafficRoutes'>, route: Route): readonly ObjectKey[] {
  return hostsOf(route).flatMap((host) => trafficRoutes.byIndex('host', host).map(keyOf));
}

interface Exposure {
  readonly service: Service;
  readonly hosts: readonly ObservedHost[];
  readonly gatewayRoutes: readonly ObservedGatewayRoute[];
}

/** Those that lead here: for requests of any kind, and for gRPC alone. */
export interface OwnHosts {
  readonly hosts: readonly string[];
  readonly grpcHosts: readonly string[];
}

export function ownHosts({ service, hosts, gatewayRoutes }: Exposure): OwnHosts {
  const accepted = (kind: GatewayRouteKind) =>
    gatewayRoutes
      .filter((route) => route.kind === kind && gatewayRouteObstacle(service, route) === undefined)
      .flatMap(() => requestedRoute(service, kind)?.hosts ?? []);
  const owned = hosts.filter(({ owner }) => owner !== undefined && isOwn(owner, service)).map(({ host }) => host);
  return { hosts: [...owned, ...accepted('HTTPRoute')], grpcHosts: accepted('GRPCRoute') };
}

/** Nothing where the spec names no hosts. `unrouted` says why gateways do not follow the route. */
export function exposedConditions(exposure: Exposure, unrouted: Reason | undefined): WantedCondition[] {
  const isByGateway = isByGatewayApi(exposure.service);
  if (!isByGateway && exposure.hosts.length === 0) return [];
  const obstacle = obstacleOf(exposure) ?? (isByGateway ? undefined : unrouted);
  if (obstacle !== undefined) return [isFalse('Exposed', obstacle)];
  const message = isByGateway
    ? `Gateway ${gatewayNameOf(exposure.service)} has accepted the ${routesOf(exposure)} for the hosts of spec.expose.`
    : 'The gateways answer under every host of spec.expose.';
  return [isTrue('Exposed', { reason: 'Exposed', message })];
}

/** `HTTPRoute and the GRPCRoute` */
function routesOf({ gatewayRoutes }: Exposure): string {
  const asked = gatewayRoutes.filter(({ state }) => state !== 'NotAsked');
  return asked.map(({ kind }) => kind).join(' and the ');
}

/** The service is not ready for what its spec asks for, while a host of it leads elsewhere. */
export function withHosts(conditions: readonly WantedCondition[], exposure: Exposure): readonly WantedCondition[] {
  return withObstacle(conditions, obstacleOf(exposure));
}

/** Undefined where every host leads here, whoever answers under it. */
function obstacleOf(exposure: Exposure): Obstacle | undefined {
  const { service, gatewayRoutes } = exposure;
  if (isByGatewayApi(service)) return gatewayApiObstacle(service, gatewayRoutes);
  return conflict(exposure) ?? pending(exposure);
}

/** Names of other namespaces are not told. */
function conflict({ service, hosts }: Exposure): Obstacle | undefined {
  const lost = hosts.flatMap(({ host, owner }) =>
    owner === undefined || isOwn(owner, service) ? [] : [{ host, owner }],
  );
  const [first, ...others] = lost;
  if (first === undefined) return undefined;
  const isNear = first.owner.namespace === service.metadata.namespace;
  const whose = isNear ? `InferenceService "${first.owner.name}"` : 'a service of another namespace';
  const more = others.length === 0 ? '' : ` So it is with ${others.length} more of spec.expose.hosts.`;
  const message = `Host "${first.host}" belongs to ${whose}.${more} Name another host, or let that service give it up.`;
  return { reason: 'HostConflict', message, isFinal: true };
}

function pending({ hosts }: Exposure): Obstacle | undefined {
  if (hosts.every(({ owner }) => owner !== undefined)) return undefined;
  const message = 'The route does not list every host of spec.expose yet.';
  return { reason: 'HostsPending', message, isFinal: false };
}

function isOwn({ namespace, name }: ObjectKey, { metadata }: Service): boolean {
  return namespace === metadata.namespace && name === metadata.name;
}
