/** Where clients reach the service: an address of its own that leads to the gateways, which know it by its host name. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { groupVersion } from '@slipway/crds';
import type { DeepReadonly, EndpointSlice, Service } from '@slipway/kube';
import type { GatewayReplica } from '../../gateways/gateways.ts';
import { ownedLabels, SERVICE_NAME_LABEL } from '../../labels.ts';
import { childName, stableJson } from '../../names.ts';
import { GRPC_PORT, HTTP_PORT } from './build-pod-template.ts';
import { mayGoToZero } from './scaling/settings.ts';
import type { ServerPorts } from './server-ports.ts';
import { MOVED_AT_ANNOTATION } from './traffic.ts';
import type { Traffic } from './traffic.ts';

type Owner = DeepReadonly<InferenceService>;
type Access = NonNullable<TrafficRoute['spec']['access']>;

/** Keeps Kubernetes' own controllers from the slice. */
const MANAGED_SLICE = { 'endpointslice.kubernetes.io/managed-by': 'slipway.dev' };

/** Requests wait this long for a pod: while the only one is replaced, say. Longer only hides that something is wrong. */
const HOLD = { requests: 1000, timeout: '10s' };
/** The first pod of a service that went to zero has to be scheduled, to fetch its model and to load it. */
const HOLD_AT_ZERO = { ...HOLD, timeout: '120s' };

export function ownedMetadata(owner: Owner, name: string) {
  const labels = ownedLabels({ kind: 'InferenceService', name: owner.metadata.name });
  return { name, namespace: owner.metadata.namespace ?? '', labels };
}

/** The same for the whole life of the service. It selects nothing: its EndpointSlices are ours. */
export function buildAddress(owner: Owner): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(owner, owner.metadata.name),
    spec: {
      type: 'ClusterIP',
      ports: [
        { name: 'http', port: 80, protocol: 'TCP' },
        { name: 'grpc', port: GRPC_PORT, protocol: 'TCP' },
      ],
    },
  };
}

/** One for each family of addresses that the gateways have. */
export function buildAddressSlices(owner: Owner, gateways: readonly GatewayReplica[]): EndpointSlice[] {
  const families = [...new Set(gateways.map(({ family }) => family))].sort();
  return families.map((family) => {
    const replicas = gateways.filter((gateway) => gateway.family === family);
    const metadata = ownedMetadata(owner, childName(owner.metadata.name, `gateway-${family.toLowerCase()}`));
    const port = replicas[0]?.port ?? 0;
    return {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        ...metadata,
        labels: { ...metadata.labels, ...MANAGED_SLICE, [SERVICE_NAME_LABEL]: owner.metadata.name },
      },
      addressType: family,
      // A gateway takes every protocol at its one port.
      ports: ['http', 'grpc'].map((name) => ({ name, port, protocol: 'TCP' })),
      endpoints: replicas.map(({ address, conditions, nodeName, zone, targetRef }) => ({
        addresses: [address],
        conditions: { ...conditions },
        ...(nodeName === undefined ? {} : { nodeName }),
        ...(zone === undefined ? {} : { zone }),
        ...(targetRef === undefined ? {} : { targetRef: { ...targetRef } }),
      })),
    };
  });
}

/** Our own model server's. */
export const OUR_PORTS: ServerPorts = { httpPort: HTTP_PORT, grpcPort: GRPC_PORT };

/** By revision; ours where nothing is said. */
export type PortsByRevision = Readonly<Record<string, ServerPorts>>;

/** What the gateways do. Its sequence is above that of the route that exists, where it says anything else. */
export function buildTrafficRoute(
  owner: Owner,
  { stable, weights, movedAt, ports = {} }: Traffic & { readonly ports?: PortsByRevision },
  live: DeepReadonly<TrafficRoute> | undefined,
): TrafficRoute {
  const content = {
    hosts: hostsOfGateways(owner),
    stable,
    mirrors: [],
    limits: { timeout: '60s', hold: mayGoToZero(owner.spec.scaling) ? HOLD_AT_ZERO : HOLD },
    ...(owner.spec.access === undefined ? {} : { access: structuredClone(owner.spec.access) as Access }),
    backends: Object.keys(weights)
      .sort()
      .map((revision) => ({
        revision,
        weight: weights[revision] ?? 0,
        endpoints: { service: { name: revision }, ...(ports[revision] ?? OUR_PORTS) },
      })),
  };
  const metadata = ownedMetadata(owner, owner.metadata.name);
  return {
    apiVersion: groupVersion,
    kind: 'TrafficRoute',
    metadata: { ...metadata, ...(movedAt === undefined ? {} : { annotations: { [MOVED_AT_ANNOTATION]: movedAt } }) },
    spec: { sequence: nextSequence(content, live), ...content },
  };
}

/** Under the others a Gateway of the Gateway API answers. */
function hostsOfGateways({ spec: { expose } }: Owner): string[] {
  return expose === undefined || expose.by === 'GatewayApi' ? [] : [...expose.hosts].sort();
}

function nextSequence(content: object, live: DeepReadonly<TrafficRoute> | undefined): number {
  if (live === undefined) return 1;
  const { sequence, ...spec } = live.spec;
  const ours = new Set([...Object.keys(content), 'access']);
  const liveContent = Object.fromEntries(Object.entries(spec).filter(([field]) => ours.has(field)));
  return stableJson(liveContent) === stableJson(content) ? sequence : sequence + 1;
}
