/** The split of a service's hosts as the Gateway API says it, for a Gateway of other people. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { HTTPRoute, HTTPRouteMatch, ParentReference, WeightedBackend } from '../../kinds.ts';
import { stableJson } from '../../names.ts';
import { ownedMetadata } from './build-address.ts';

type Owner = DeepReadonly<InferenceService>;
type Backends = DeepReadonly<TrafficRoute>['spec']['backends'];

/** When backends or weights were written last, on the HTTPRoute. */
export const WRITTEN_AT_ANNOTATION = 'slipway.dev/weights-written-at';

/**
 * gRPC by its content types, for any path may be REST: HTTPRoutes match headers exactly, wherever they are supported. A
 * GRPCRoute beside would not do: of the two kinds a listener takes one alone for a host.
 */
const GRPC_MATCHES: readonly HTTPRouteMatch[] = ['application/grpc', 'application/grpc+proto'].map((value) => ({
  path: { type: 'PathPrefix', value: '/' },
  headers: [{ type: 'Exact', name: 'content-type', value }],
}));
const ALL_MATCHES: readonly HTTPRouteMatch[] = [{ path: { type: 'PathPrefix', value: '/' } }];

interface Routed {
  readonly hosts: readonly string[];
  readonly parent: ParentReference;
}

/** Undefined where the spec asks for none. */
export function asksForGatewayApi({ spec: { expose } }: Owner): Routed | undefined {
  if (expose?.by !== 'GatewayApi' || expose.gateway === undefined) return undefined;
  const { name, namespace, sectionName } = expose.gateway;
  const parent = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(sectionName === undefined ? {} : { sectionName }),
  };
  return { hosts: expose.hosts, parent };
}

export interface HttpRouteInput {
  /** Of the TrafficRoute. */
  readonly backends: Backends;
  readonly live: DeepReadonly<HTTPRoute> | undefined;
  readonly now: Date;
}

export function buildHttpRoute(
  owner: Owner,
  { hosts, parent }: Routed,
  { backends, live, now }: HttpRouteInput,
): HTTPRoute {
  const rules = [
    ...ruleOf(
      GRPC_MATCHES,
      backends.flatMap(({ revision, weight, endpoints: { grpcPort } }) =>
        grpcPort === undefined ? [] : [{ name: revision, port: grpcPort, weight }],
      ),
    ),
    ...ruleOf(
      ALL_MATCHES,
      backends.map(({ revision, weight, endpoints }) => ({ name: revision, port: endpoints.httpPort, weight })),
    ),
  ];
  const writtenAt = isSameSplit(rules, live) ? live?.metadata.annotations?.[WRITTEN_AT_ANNOTATION] : undefined;
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: {
      ...ownedMetadata(owner, owner.metadata.name),
      annotations: { [WRITTEN_AT_ANNOTATION]: writtenAt ?? now.toISOString() },
    },
    spec: { parentRefs: [parent], hostnames: [...hosts].sort(), rules },
  };
}

function ruleOf(matches: readonly HTTPRouteMatch[], backendRefs: WeightedBackend[]): HTTPRoute['spec']['rules'] {
  return backendRefs.length === 0 ? [] : [{ matches: structuredClone([...matches]), backendRefs }];
}

function isSameSplit(rules: HTTPRoute['spec']['rules'], live: DeepReadonly<HTTPRoute> | undefined): boolean {
  const split = (of: DeepReadonly<HTTPRoute['spec']['rules']>) =>
    stableJson(of.map(({ backendRefs }) => backendRefs.map(({ name, port, weight }) => ({ name, port, weight }))));
  return live !== undefined && split(rules) === split(live.spec.rules);
}

/** The HTTPRoute splits as the TrafficRoute does: they are two writes, of which one may fail. */
export function splitsLike(http: DeepReadonly<HTTPRoute>, route: DeepReadonly<TrafficRoute>): boolean {
  const split = (of: readonly { readonly name: string; readonly weight: number }[]) =>
    stableJson(Object.fromEntries(of.map(({ name, weight }) => [name, weight])));
  const [last] = http.spec.rules.slice(-1);
  const wanted = route.spec.backends.map(({ revision, weight }) => ({ name: revision, weight }));
  return last !== undefined && split(last.backendRefs) === split(wanted);
}
