/** The gateways as the operator sees them: which there are, and what each applies. */
import type { GatewayLoad } from '@slipway/crds/gateway-stream';
import type { DeepReadonly, EndpointSlice } from '@slipway/kube';
import type { Caches } from '../deps.ts';

export interface Gateways {
  /**
   * The sequence that the replica with this address applies of the route: 0 where it applies none, undefined while it has
   * not told.
   */
  sequenceAt(address: string, routeUid: string): number | undefined;
  /** It was there, and nothing listens at its address any more: it has died, and Kubernetes may take a second to see that. */
  isDown(address: string): boolean;
  /** Which process listens there; undefined while it has not told. */
  incarnationAt(address: string): string | undefined;
  /** Tells what changes, from now on. */
  subscribe(listener: GatewayListener): void;
}

export interface GatewayListener {
  /** A gateway applies another sequence of the route, or does not apply it any more. */
  route?(uid: string): void;
  /** A gateway went down, is back, or was not heard for so long that it does not count as one that tells. */
  replica?(address: string): void;
  /** What one gateway had to do; it tells about once a second. */
  load?(incarnation: string, load: GatewayLoad): void;
}

type Endpoint = DeepReadonly<EndpointSlice['endpoints'][number]>;

/** A pod that EndpointSlices of the gateways' Service list. */
export interface GatewayReplica {
  readonly address: string;
  readonly family: string;
  readonly port: number;
  readonly conditions: NonNullable<Endpoint['conditions']>;
  readonly nodeName: string | undefined;
  readonly zone: string | undefined;
  /** The pod, for people who look at the address of a service. */
  readonly targetRef: Endpoint['targetRef'];
}

/** The name of the port of the gateways' Service that takes requests. */
const PORT_NAME = 'http';

/** By address, sorted. */
export function gatewayReplicas(slices: readonly DeepReadonly<EndpointSlice>[]): readonly GatewayReplica[] {
  const replicas = slices.flatMap((slice) => {
    const port = slice.ports?.find(({ name }) => name === PORT_NAME)?.port;
    // `endpoints` is null in a slice that has none.
    if (port === undefined || slice.addressType === 'FQDN') return [];
    return (slice.endpoints ?? []).flatMap(({ addresses, conditions = {}, nodeName, zone, targetRef }) => {
      const [address] = addresses;
      if (address === undefined) return [];
      return [{ address, family: slice.addressType, port, conditions, nodeName, zone, targetRef }];
    });
  });
  const byAddress = new Map(replicas.map((replica) => [replica.address, replica]));
  return [...byAddress.values()].sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** All of them, as Kubernetes and the gateways themselves tell. */
export function knownGateways({
  caches,
  gateways,
}: {
  readonly caches: Pick<Caches, 'gatewaySlices'>;
  readonly gateways: Gateways;
}): readonly GatewayReplica[] {
  return withoutDown(gatewayReplicas(caches.gatewaySlices.list()), (address) => gateways.isDown(address));
}

/** Those that are down get no new connections; but where none would be left, what Kubernetes says counts. */
export function withoutDown(
  replicas: readonly GatewayReplica[],
  isDown: (address: string) => boolean,
): readonly GatewayReplica[] {
  const known = replicas.map((replica) => (isDown(replica.address) ? { ...replica, conditions: DOWN } : replica));
  return known.some(isReady) ? known : replicas;
}

const DOWN = { ready: false, serving: false, terminating: false };

/** New connections go to it. The API says nothing of a condition where it means yes. */
export function isReady({ conditions }: GatewayReplica): boolean {
  return conditions.ready !== false;
}

/** It may have requests to hand on: it is ready, or it ends and still answers. */
export function isServing(replica: GatewayReplica): boolean {
  return isReady(replica) || replica.conditions.serving === true;
}
