import { settled } from '@slipway/kube';
import type { Manager } from '@slipway/kube';
import type { Caches } from '../deps.ts';
import type { GatewayFleet } from './gateway-fleet.ts';
import { gatewayReplicas, isServing } from './gateways.ts';

/** Has the fleet listen to the gateways that their Service lists, while this process leads. */
export function addGatewayWatch(
  manager: Pick<Manager, 'addController'>,
  { gatewaySlices }: Pick<Caches, 'gatewaySlices'>,
  fleet: GatewayFleet,
): void {
  manager.addController({
    name: 'gateway.watch',
    for: gatewaySlices,
    reconcile: () => {
      fleet.listenTo(
        gatewayReplicas(gatewaySlices.list())
          .filter(isServing)
          .map(({ address }) => address),
      );
      return Promise.resolve(settled());
    },
  });
}
