/** Which TrafficRoute has a host: the same decision that the gateways take, over the same objects. */
import type { TrafficRoute } from '@slipway/crds';
import { byClaim, hostClaimOf } from '@slipway/crds/host-claims';
import type { DeepReadonly } from '@slipway/kube';

type Route = DeepReadonly<TrafficRoute>;

/** All that the route may be asked for by, and that another one could list as a host. Its other names no spec may list. */
export function hostsOf({ metadata, spec }: Route): readonly string[] {
  return [...spec.hosts, ownName(metadata)];
}

/** Of the routes that `hostsOf` finds for the host. A name within the cluster is nobody else's, however old he is. */
export function hostOwner(host: string, routes: readonly Route[]): Route | undefined {
  const namesake = routes.find(({ metadata }) => ownName(metadata) === host);
  return namesake ?? routes.toSorted((a, b) => byClaim(hostClaimOf(a.metadata), hostClaimOf(b.metadata)))[0];
}

function ownName({ name, namespace = '' }: Route['metadata']): string {
  return `${name}.${namespace}`;
}
