/** What the cluster and the controllers of Gateways make of our routes: pure questions about what was observed. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Obstacle, Reason } from '../../conditions.ts';
import type { GatewayRoute, GatewayRouteKind, ParentReference } from '../../kinds.ts';
import { splitsLike } from './build-gateway-route.ts';

/** One kind of route of the Gateway API. */
export interface ObservedGatewayRoute {
  readonly kind: GatewayRouteKind;
  /** NotAsked: the spec does not ask for it. Disabled: the operator was not told to use it. */
  readonly state: 'NotAsked' | 'Disabled' | 'NotInstalled' | 'Installed';
  /** The one that we control. */
  readonly route: DeepReadonly<GatewayRoute> | undefined;
}

/**
 * Every controller that answers for the routes knows them as they are: whether it takes them or not, it does not go by older ones.
 * Also where the cluster has no Gateway API, or nobody answers for a route, since then no request comes by it.
 */
export function areFollowed(routes: readonly ObservedGatewayRoute[], traffic: DeepReadonly<TrafficRoute>): boolean {
  return routes.every(({ kind, state, route }) => {
    if (state !== 'Installed') return true;
    if (route === undefined || !splitsLike(kind, route, traffic)) return false;
    return answersTo(route).every((answer) => isCurrent(route, answer, 'Accepted'));
  });
}

/** Undefined where the Gateway answers under all hosts. */
export function gatewayApiObstacle(
  service: DeepReadonly<InferenceService>,
  routes: readonly ObservedGatewayRoute[],
): Obstacle | undefined {
  return routes.map((route) => gatewayRouteObstacle(service, route)).find((found) => found !== undefined);
}

/** Undefined where the Gateway answers under the hosts of this route, or nobody asks for it. */
export function gatewayRouteObstacle(
  service: DeepReadonly<InferenceService>,
  { kind, state, route }: ObservedGatewayRoute,
): Obstacle | undefined {
  if (state === 'NotAsked') return undefined;
  if (state === 'Disabled') return { ...DISABLED, isFinal: true };
  if (state === 'NotInstalled') return { ...notInstalled(kind), isFinal: true };
  if (route === undefined) return { ...pending(kind), isFinal: false };
  const answers = answersTo(route);
  if (answers.length === 0) return { ...unanswered(service, kind), isFinal: false };
  return (
    answers.map((answer) => refusal({ kind, route }, answer)).find((found) => found !== undefined) ??
    (kind === 'GRPCRoute' && leadsToNobody(route) ? { ...NO_GRPC, isFinal: true } : undefined)
  );
}

const DISABLED: Reason = {
  reason: 'GatewayApiDisabled',
  message:
    "The operator was not told to use the Gateway API. Set gatewayApi.enabled of Slipway's chart, or leave expose.by out.",
};

function notInstalled(kind: GatewayRouteKind): Reason {
  const instead = kind === 'HTTPRoute' ? 'expose.by' : 'expose.grpcHosts';
  const message = `The cluster has no ${kind} of gateway.networking.k8s.io/v1. Install the Gateway API and a controller for it, or leave ${instead} out.`;
  return { reason: 'GatewayApiNotInstalled', message };
}

function pending(kind: GatewayRouteKind): Reason {
  return { reason: 'HostsPending', message: `There is no ${kind} for the hosts of spec.expose yet.` };
}

/** Controllers say nothing of a route to a Gateway that they do not know. */
function unanswered(service: DeepReadonly<InferenceService>, kind: GatewayRouteKind): Reason {
  const message = `No controller has answered for the ${kind}. Is there a Gateway ${gatewayNameOf(service)}, and does its controller run?`;
  return { reason: 'RouteNotAccepted', message };
}

/** `"public" in namespace "infra"` */
export function gatewayNameOf({ metadata, spec }: DeepReadonly<InferenceService>): string {
  const gateway = spec.expose?.gateway;
  return `"${gateway?.name}" in namespace "${gateway?.namespace ?? metadata.namespace}"`;
}

/** No revision with a share of the requests is behind it: of a GRPCRoute, while none of them speaks gRPC. */
function leadsToNobody({ spec }: DeepReadonly<GatewayRoute>): boolean {
  return spec.rules.every(({ backendRefs }) => backendRefs.every(({ weight }) => weight === 0));
}

const NO_GRPC: Reason = {
  reason: 'GrpcNotServed',
  message:
    'The model server that serves does not speak gRPC, so calls under spec.expose.grpcHosts fail. Name ports.grpc in its ServingRuntime if it does, or leave expose.grpcHosts out.',
};

type Answer = NonNullable<NonNullable<DeepReadonly<GatewayRoute>['status']>['parents']>[number];

function answersTo({ metadata, spec, status }: DeepReadonly<GatewayRoute>): readonly Answer[] {
  const [parent] = spec.parentRefs;
  if (parent === undefined) return [];
  const asked = parentKey(parent, metadata.namespace);
  return (status?.parents ?? []).filter(({ parentRef }) => parentKey(parentRef, metadata.namespace) === asked);
}

function parentKey({ namespace, name, sectionName }: DeepReadonly<ParentReference>, own: string | undefined): string {
  return [namespace ?? own, name, sectionName ?? ''].join('/');
}

function isCurrent({ metadata }: DeepReadonly<GatewayRoute>, answer: Answer, type: string): boolean {
  return (conditionOf(answer, type)?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}

function conditionOf({ conditions = [] }: Answer, wanted: string) {
  return conditions.find(({ type }) => type === wanted);
}

/** Longer words would not fit a condition. */
const MAX_WORDS = 512;

/** `ResolvedRefs` is absent where a controller has nothing to say of it. */
function refusal(
  { kind, route }: { readonly kind: GatewayRouteKind; readonly route: DeepReadonly<GatewayRoute> },
  answer: Answer,
): Obstacle | undefined {
  if (!isCurrent(route, answer, 'Accepted')) {
    const message = `${answer.controllerName.slice(0, MAX_WORDS)} does not follow the newest ${kind} yet.`;
    return { reason: 'RouteNotAccepted', message, isFinal: false };
  }
  const conditions = ['Accepted', 'ResolvedRefs'].map((type) => conditionOf(answer, type));
  const refused = conditions.find((one) => one !== undefined && one.status !== 'True');
  if (refused === undefined) return undefined;
  const words = `${refused.type} is ${refused.status}: ${refused.reason}. ${refused.message}`
    .trim()
    .slice(0, MAX_WORDS);
  const message = `${answer.controllerName.slice(0, MAX_WORDS)} says of the ${kind}: ${words}`;
  return { reason: 'RouteNotAccepted', message, isFinal: refused.status === 'False' };
}
