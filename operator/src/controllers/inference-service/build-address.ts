/** Where clients reach the service: an address of its own that leads to the gateways, which know it by its host name. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { groupVersion } from '@slipway/crds';
import type { DeepReadonly, EndpointSlice, Service } from '@slipway/kube';
import type { GatewayReplica } from '../../gateways/gateways.ts';
import { SERVICE_NAME_LABEL } from '../../labels.ts';
import { childName, stableJson } from '../../names.ts';
import { NO_ROLLOUTS, ROLLOUT_ANNOTATION } from '../../rollouts/record.ts';
import type { RolloutRecord } from '../../rollouts/record.ts';
import { MOVED_AT_ANNOTATION } from '../../rollouts/traffic.ts';
import type { Traffic } from '../../rollouts/traffic.ts';
import { GRPC_PORT, HTTP_PORT } from './build-pod-template.ts';
import { routeSampling } from './sampling.ts';
import { ownedMetadata } from './owned-metadata.ts';
import { mayGoToZero } from './scaling/settings.ts';
import type { ServerPorts } from './server-ports.ts';

type Owner = DeepReadonly<InferenceService>;
type Access = NonNullable<TrafficRoute['spec']['access']>;

/** Keeps Kubernetes' own controllers from the slice. */
const MANAGED_SLICE = { 'endpointslice.kubernetes.io/managed-by': 'slipway.dev' };

/** Requests wait this long for a pod: while the only one is replaced, say. Longer only hides that something is wrong. */
const HOLD = { requests: 1000, timeout: '10s' };
/** The first pod of a service that went to zero has to be scheduled, to fetch its model and to load it. */
const HOLD_AT_ZERO = { ...HOLD, timeout: '120s' };

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

export interface Routed extends Traffic {
  readonly record?: RolloutRecord;
  readonly ports?: PortsByRevision;
  /** By revision, as far as they are known. */
  readonly modelVersions?: Readonly<Record<string, string>>;
  /** Undefined: everybody. */
  readonly access?: DeepReadonly<Access> | undefined;
}

/**
 * What the gateways do, and how far the rollout is. Its sequence is above that of the route that exists, where it says anything
 * else.
 */
export function buildTrafficRoute(
  owner: Owner,
  { stable, weights, mirrors, movedAt, record = NO_ROLLOUTS, ports = {}, modelVersions = {}, access }: Routed,
  live: DeepReadonly<TrafficRoute> | undefined,
): TrafficRoute {
  const sampling = routeSampling(owner);
  const sticky = stickyOf(owner, record);
  const content = {
    hosts: hostsOfGateways(owner),
    stable,
    mirrors: Object.entries(mirrors).map(([revision, percent]) => ({ revision, percent })),
    ...(sticky === undefined ? {} : { sticky }),
    limits: { timeout: '60s', hold: mayGoToZero(owner.spec.scaling) ? HOLD_AT_ZERO : HOLD },
    ...(access === undefined ? {} : { access: structuredClone(access) as Access }),
    ...(sampling === undefined ? {} : { sampling }),
    backends: Object.keys(weights)
      .sort()
      .map((revision) => ({
        revision,
        ...(modelVersions[revision] === undefined ? {} : { modelVersion: modelVersions[revision] }),
        weight: weights[revision] ?? 0,
        endpoints: { service: { name: revision }, ...(ports[revision] ?? OUR_PORTS) },
      })),
  };
  const metadata = ownedMetadata(owner, owner.metadata.name);
  const written = record.lastNumber === 0 ? undefined : stableJson(record);
  const annotations = {
    ...(movedAt === undefined ? {} : { [MOVED_AT_ANNOTATION]: movedAt }),
    ...(written === undefined ? {} : { [ROLLOUT_ANNOTATION]: written }),
  };
  return {
    apiVersion: groupVersion,
    kind: 'TrafficRoute',
    metadata: { ...metadata, ...(Object.keys(annotations).length === 0 ? {} : { annotations }) },
    spec: { sequence: nextSequence(content, written, live), ...content },
  };
}

/** Each rollout divides callers anew, so that not always the same ones try what is new. */
function stickyOf(
  { metadata: { name }, spec: { rollout } }: Owner,
  { current }: RolloutRecord,
): TrafficRoute['spec']['sticky'] {
  const sticky = rollout?.canary?.sticky;
  if (sticky === undefined || current?.phase !== 'Progressing') return undefined;
  return { ...sticky, salt: `${name}-${current.number}` };
}

/** Under the others a Gateway of the Gateway API answers. */
function hostsOfGateways({ spec: { expose } }: Owner): string[] {
  return expose?.by === 'GatewayApi' ? [] : [...(expose?.hosts ?? [])].sort();
}

/** With the record as with the weights: what a dead leader still had on its way about a rollout is refused, too. */
function nextSequence(
  content: object,
  record: string | undefined,
  live: DeepReadonly<TrafficRoute> | undefined,
): number {
  if (live === undefined) return 1;
  const { sequence, ...spec } = live.spec;
  const ours = new Set([...Object.keys(content), 'access', 'sampling', 'sticky']);
  const liveContent = Object.fromEntries(Object.entries(spec).filter(([field]) => ours.has(field)));
  const isSame = stableJson(liveContent) === stableJson(content);
  return isSame && live.metadata.annotations?.[ROLLOUT_ANNOTATION] === record ? sequence : sequence + 1;
}
