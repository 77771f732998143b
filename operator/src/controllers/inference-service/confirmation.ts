/** What the gateways have made of the route: pure questions about what was observed. */
import { areFollowed } from './gateway-api.ts';
import type { AppliedRoute, ObservedService } from './observe.ts';

type Routing = Pick<ObservedService, 'route' | 'applied'>;
type AllRouting = Pick<ObservedService, 'route' | 'applied' | 'gatewayRoutes'>;

/**
 * Every gateway that may have requests to hand on applies the route as it is, and so does the Gateway that `spec.expose` names.
 * Also where there is no such gateway.
 */
export function isConfirmed({ route, applied, gatewayRoutes }: AllRouting): boolean {
  return (
    route !== undefined &&
    applied.every(({ sequence }) => sequence !== undefined && sequence >= route.spec.sequence) &&
    areFollowed(gatewayRoutes, route)
  );
}

/** Gateways that surely apply an older route, or none; one that has not told yet may be well. */
export function behind({ route, applied }: Routing): readonly AppliedRoute[] {
  const current = route?.spec.sequence ?? 0;
  return applied.filter(({ sequence }) => sequence !== undefined && sequence < current);
}

/** Gateways that have not told what they apply. */
export function silent({ applied }: Routing): readonly AppliedRoute[] {
  return applied.filter(({ sequence }) => sequence === undefined);
}
