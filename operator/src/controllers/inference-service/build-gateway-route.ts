/** The split of a service's hosts as the Gateway API says it, for a Gateway of other people: a route for each kind that is asked for. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { GatewayRoute, GatewayRouteKind, HTTPRouteMatch, ParentReference, WeightedBackend } from '../../kinds.ts';
import { stableJson } from '../../names.ts';
import { ownedMetadata } from './owned-metadata.ts';

type Owner = DeepReadonly<InferenceService>;
type Backends = DeepReadonly<TrafficRoute>['spec']['backends'];
type Rules = GatewayRoute['spec']['rules'];

/** When backends or weights were written last, on each route. */
export const WRITTEN_AT_ANNOTATION = 'slipway.dev/weights-written-at';

/**
 * gRPC by its content types, for any path may be REST: HTTPRoutes match headers exactly, wherever they are supported. A
 * GRPCRoute has hosts of its own, because of the two kinds a listener takes one alone for a host.
 */
const GRPC_MATCHES: readonly HTTPRouteMatch[] = ['application/grpc', 'application/grpc+proto'].map((value) => ({
  path: { type: 'PathPrefix', value: '/' },
  headers: [{ type: 'Exact', name: 'content-type', value }],
}));
const ALL_MATCHES: readonly HTTPRouteMatch[] = [{ path: { type: 'PathPrefix', value: '/' } }];

interface RouteRequest {
  readonly kind: GatewayRouteKind;
  /** Never empty. */
  readonly hosts: readonly string[];
  readonly parent: ParentReference;
}

export function isByGatewayApi({ spec: { expose } }: Owner): boolean {
  return expose?.by === 'GatewayApi';
}

/** Undefined where the spec asks for none of this kind. */
export function requestedRoute({ spec: { expose } }: Owner, kind: GatewayRouteKind): RouteRequest | undefined {
  if (expose?.by !== 'GatewayApi' || expose.gateway === undefined) return undefined;
  const hosts = kind === 'HTTPRoute' ? expose.hosts : expose.grpcHosts;
  if (hosts === undefined) return undefined;
  const { name, namespace, sectionName } = expose.gateway;
  const parent = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(sectionName === undefined ? {} : { sectionName }),
  };
  return { kind, hosts, parent };
}

export interface GatewayRouteInput {
  /** Of the TrafficRoute. */
  readonly backends: Backends;
  readonly live: DeepReadonly<GatewayRoute> | undefined;
  readonly now: Date;
}

export function buildGatewayRoute(
  owner: Owner,
  { kind, hosts, parent }: RouteRequest,
  { backends, live, now }: GatewayRouteInput,
): GatewayRoute {
  const rules = kind === 'HTTPRoute' ? httpRules(backends) : grpcRules(backends);
  const writtenAt = isSameSplit(rules, live) ? live?.metadata.annotations?.[WRITTEN_AT_ANNOTATION] : undefined;
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind,
    metadata: {
      ...ownedMetadata(owner, owner.metadata.name),
      annotations: { [WRITTEN_AT_ANNOTATION]: writtenAt ?? now.toISOString() },
    },
    spec: { parentRefs: [parent], hostnames: [...hosts].sort(), rules },
  };
}

function httpRules(backends: Backends): Rules {
  const grpc = grpcBackends(backends);
  return [
    ...(grpc.length === 0 ? [] : [{ matches: structuredClone([...GRPC_MATCHES]), backendRefs: grpc }]),
    { matches: structuredClone([...ALL_MATCHES]), backendRefs: httpBackends(backends) },
  ];
}

/** Also where no revision speaks gRPC, so that callers hear of it and the hosts stay ours. */
function grpcRules(backends: Backends): Rules {
  return [{ backendRefs: grpcBackends(backends) }];
}

function httpBackends(backends: Backends): WeightedBackend[] {
  return backends.map(({ revision, weight, endpoints }) => ({ name: revision, port: endpoints.httpPort, weight }));
}

function grpcBackends(backends: Backends): WeightedBackend[] {
  return backends.flatMap(({ revision, weight, endpoints: { grpcPort } }) =>
    grpcPort === undefined ? [] : [{ name: revision, port: grpcPort, weight }],
  );
}

function isSameSplit(rules: Rules, live: DeepReadonly<GatewayRoute> | undefined): boolean {
  return live !== undefined && stableJson(splitOf(rules)) === stableJson(splitOf(live.spec.rules));
}

/** The Gateway's route splits as the TrafficRoute does: they are two writes, of which one may fail. */
export function splitsLike(
  kind: GatewayRouteKind,
  gatewayRoute: DeepReadonly<GatewayRoute>,
  { spec: { backends } }: DeepReadonly<TrafficRoute>,
): boolean {
  const rules = kind === 'HTTPRoute' ? httpRules(backends) : grpcRules(backends);
  return isSameSplit(rules, gatewayRoute);
}

function splitOf(rules: DeepReadonly<Rules>): readonly object[] {
  return rules.map(({ backendRefs }) => backendRefs.map(({ name, port, weight }) => ({ name, port, weight })));
}
