import type { InferenceService } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Caches, OperatorDeps } from '../../deps.ts';
import { gatewayRouteKinds } from '../../kinds.ts';
import type { GatewayRouteKind } from '../../kinds.ts';
import { requestedRoute } from './build-gateway-route.ts';
import type { ObservedGatewayRoute } from './gateway-api.ts';

type Service = DeepReadonly<InferenceService>;
type State = Pick<ObservedGatewayRoute, 'kind' | 'state'>;

const KINDS: readonly GatewayRouteKind[] = ['HTTPRoute', 'GRPCRoute'];

/** Which kinds of route the service asks for, and whether they are to be had. */
export function observeGatewayRouteStates(
  deps: Pick<OperatorDeps, 'caches' | 'discovery'>,
  service: Service,
): Promise<readonly State[]> {
  return Promise.all(KINDS.map(async (kind) => ({ kind, state: await stateOf(deps, service, kind) })));
}

async function stateOf(
  { caches, discovery }: Pick<OperatorDeps, 'caches' | 'discovery'>,
  service: Service,
  kind: GatewayRouteKind,
): Promise<State['state']> {
  if (requestedRoute(service, kind) === undefined) return 'NotAsked';
  if (caches.gatewayRoutes === undefined) return 'Disabled';
  return (await discovery.serves(gatewayRouteKinds[kind])) ? 'Installed' : 'NotInstalled';
}

export function observeGatewayRoutes(
  { gatewayRoutes }: Pick<Caches, 'gatewayRoutes'>,
  { metadata: { uid = '' } }: Service,
  states: readonly State[],
): readonly ObservedGatewayRoute[] {
  return states.map((state) => ({ ...state, route: gatewayRoutes?.[state.kind].byIndex('controller', uid)[0] }));
}
