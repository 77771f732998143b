/** What the cluster and the controllers of Gateways make of our HTTPRoute: pure questions about what was observed. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import type { HTTPRoute, ParentReference } from '../../kinds.ts';
import { asksForGatewayApi, splitsLike } from './build-http-route.ts';

export interface ObservedGatewayApi {
  /** NotAsked: the spec does not ask for it. Disabled: the operator was not told to use it. */
  readonly state: 'NotAsked' | 'Disabled' | 'NotInstalled' | 'Installed';
  /** The HTTPRoute that we control. */
  readonly route: DeepReadonly<HTTPRoute> | undefined;
}

export interface Obstacle extends Reason {
  /** Only a person can change it. */
  readonly isFinal: boolean;
}

/**
 * Every controller that answers for the route knows it as it is: whether it takes it or not, it does not go by an older one.
 * Also where the cluster has no Gateway API, or nobody answers for the route, since then no request comes by it.
 */
export function isFollowed({ state, route }: ObservedGatewayApi, traffic: DeepReadonly<TrafficRoute>): boolean {
  if (state !== 'Installed') return true;
  if (route === undefined || !splitsLike(route, traffic)) return false;
  return answersTo(route).every((answer) => isCurrent(route, answer, 'Accepted'));
}

/** Undefined where the Gateway answers under the hosts. */
export function gatewayApiObstacle(
  service: DeepReadonly<InferenceService>,
  { state, route }: ObservedGatewayApi,
): Obstacle | undefined {
  if (state === 'Disabled') return { ...DISABLED, isFinal: true };
  if (state === 'NotInstalled') return { ...NOT_INSTALLED, isFinal: true };
  if (route === undefined) return { ...PENDING, isFinal: false };
  const answers = answersTo(route);
  if (answers.length === 0) return { ...unanswered(service), isFinal: false };
  return answers.map((answer) => refusal(route, answer)).find((found) => found !== undefined);
}

const DISABLED: Reason = {
  reason: 'GatewayApiDisabled',
  message:
    "The operator was not told to use the Gateway API. Set gatewayApi.enabled of Slipway's chart, or leave expose.by out.",
};
const NOT_INSTALLED: Reason = {
  reason: 'GatewayApiNotInstalled',
  message:
    'The cluster has no HTTPRoute of gateway.networking.k8s.io/v1. Install the Gateway API and a controller for it, or leave expose.by out.',
};
const PENDING: Reason = { reason: 'HostsPending', message: 'There is no HTTPRoute for the hosts of spec.expose yet.' };

/** Controllers say nothing of a route to a Gateway that they do not know. */
function unanswered(service: DeepReadonly<InferenceService>): Reason {
  const message = `No controller has answered for the HTTPRoute. Is there a Gateway ${gatewayNameOf(service)}, and does its controller run?`;
  return { reason: 'RouteNotAccepted', message };
}

/** `"public" in namespace "infra"` */
export function gatewayNameOf(service: DeepReadonly<InferenceService>): string {
  const parent = asksForGatewayApi(service)?.parent;
  return `"${parent?.name}" in namespace "${parent?.namespace ?? service.metadata.namespace}"`;
}

type Answer = NonNullable<NonNullable<DeepReadonly<HTTPRoute>['status']>['parents']>[number];

function answersTo({ metadata, spec, status }: DeepReadonly<HTTPRoute>): readonly Answer[] {
  const [parent] = spec.parentRefs;
  if (parent === undefined) return [];
  const asked = parentKey(parent, metadata.namespace);
  return (status?.parents ?? []).filter(({ parentRef }) => parentKey(parentRef, metadata.namespace) === asked);
}

function parentKey({ namespace, name, sectionName }: DeepReadonly<ParentReference>, own: string | undefined): string {
  return [namespace ?? own, name, sectionName ?? ''].join('/');
}

function isCurrent({ metadata }: DeepReadonly<HTTPRoute>, answer: Answer, type: string): boolean {
  return (conditionOf(answer, type)?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}

function conditionOf({ conditions = [] }: Answer, wanted: string) {
  return conditions.find(({ type }) => type === wanted);
}

/** Longer words would not fit a condition. */
const MAX_WORDS = 512;

/** `ResolvedRefs` is absent where a controller has nothing to say of it. */
function refusal(route: DeepReadonly<HTTPRoute>, answer: Answer): Obstacle | undefined {
  if (!isCurrent(route, answer, 'Accepted')) {
    const message = `${answer.controllerName.slice(0, MAX_WORDS)} does not follow the newest HTTPRoute yet.`;
    return { reason: 'RouteNotAccepted', message, isFinal: false };
  }
  const conditions = ['Accepted', 'ResolvedRefs'].map((type) => conditionOf(answer, type));
  const refused = conditions.find((one) => one !== undefined && one.status !== 'True');
  if (refused === undefined) return undefined;
  const words = `${refused.type} is ${refused.status}: ${refused.reason}. ${refused.message}`
    .trim()
    .slice(0, MAX_WORDS);
  const message = `${answer.controllerName.slice(0, MAX_WORDS)} says of the HTTPRoute: ${words}`;
  return { reason: 'RouteNotAccepted', message, isFinal: refused.status === 'False' };
}
