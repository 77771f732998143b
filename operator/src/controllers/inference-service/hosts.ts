/** The hosts of `spec.expose`: which of them lead here, and what is said of those that do not. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { keyOf } from '@slipway/kube';
import type { DeepReadonly, ObjectKey, WantedCondition } from '@slipway/kube';
import { inProgress, isFalse, isTrue, stalled } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import type { Caches } from '../../deps.ts';
import { asksForGatewayApi } from './build-http-route.ts';
import { gatewayApiObstacle, gatewayNameOf } from './gateway-api.ts';
import type { ObservedGatewayApi, Obstacle } from './gateway-api.ts';
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
  { spec }: Service,
  route: Route | undefined,
): readonly ObservedHost[] {
  if (spec.expose === undefined || spec.expose.by === 'GatewayApi') return [];
  return spec.expose.hosts.map((host) => {
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
  readonly gatewayApi: ObservedGatewayApi;
}

export function ownHosts({ service, hosts, gatewayApi }: Exposure): readonly string[] {
  const routed = asksForGatewayApi(service);
  if (routed !== undefined) return gatewayApiObstacle(service, gatewayApi) === undefined ? routed.hosts : [];
  return hosts.filter(({ owner }) => owner !== undefined && isOwn(owner, service)).map(({ host }) => host);
}

/** Nothing where the spec names no hosts. `unrouted` says why gateways do not follow the route. */
export function exposedConditions(exposure: Exposure, unrouted: Reason | undefined): WantedCondition[] {
  const isByGateway = asksForGatewayApi(exposure.service) !== undefined;
  if (!isByGateway && exposure.hosts.length === 0) return [];
  const obstacle = obstacleOf(exposure) ?? (isByGateway ? undefined : unrouted);
  if (obstacle !== undefined) return [isFalse('Exposed', obstacle)];
  const message = isByGateway
    ? `Gateway ${gatewayNameOf(exposure.service)} has accepted the HTTPRoute for the hosts of spec.expose.`
    : 'The gateways answer under every host of spec.expose.';
  return [isTrue('Exposed', { reason: 'Exposed', message })];
}

/** What the service is otherwise ready for is not all that its spec asks for, while a host of it leads elsewhere. */
export function withHosts(conditions: readonly WantedCondition[], exposure: Exposure): readonly WantedCondition[] {
  if (!conditions.some(({ type, status }) => type === 'Ready' && status === 'True')) return conditions;
  const obstacle = obstacleOf(exposure);
  if (obstacle === undefined) return conditions;
  return obstacle.isFinal ? stalled(obstacle) : inProgress(obstacle);
}

/** Undefined where every host leads here, whoever answers under it. */
function obstacleOf(exposure: Exposure): Obstacle | undefined {
  const { service, gatewayApi } = exposure;
  if (asksForGatewayApi(service) !== undefined) return gatewayApiObstacle(service, gatewayApi);
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
