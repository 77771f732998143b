/** A TrafficRoute as the API has it -> a route as the data plane uses it. */
import type { TrafficRoute } from '@slipway/crds';
import { hostClaimOf } from '@slipway/crds/host-claims';
import type { DeepReadonly } from '@slipway/kube';
import type { EndpointPool } from '../routing/endpoint-pool.ts';
import type { Access, Backend, Route, Sticky } from '../routing/route.ts';
import { goDurationMs } from './go-duration.ts';

type Spec = DeepReadonly<TrafficRoute>['spec'];

/** @throws {Error} where the object is none that the API server would have taken. */
export function buildRoute(
  { metadata, spec }: DeepReadonly<TrafficRoute>,
  poolOf: (service: string) => EndpointPool,
): Route {
  const { name, namespace = '' } = metadata;
  const backends = spec.backends.map(({ revision, modelVersion, weight, endpoints }) => {
    const { service, httpPort, grpcPort } = endpoints;
    return { revision, modelVersion, weight, pool: poolOf(service.name), httpPort, grpcPort };
  });
  const { hold } = spec.limits;
  return {
    namespace,
    name,
    ...hostClaimOf(metadata),
    sequence: spec.sequence,
    hosts: spec.hosts,
    backends,
    stable: backendOf(backends, spec.stable),
    sticky: buildSticky(spec.sticky),
    mirrors: spec.mirrors.map(({ revision, percent }) => ({ backend: backendOf(backends, revision), percent })),
    needsGatewayToken: spec.backends.some(({ endpoints }) => endpoints.callers === 'Gateways'),
    access: spec.access && buildAccess(spec.access.from),
    sampling: spec.sampling,
    timeoutMs: goDurationMs(spec.limits.timeout),
    hold: hold && { requests: hold.requests, timeoutMs: goDurationMs(hold.timeout) },
  };
}

function backendOf(backends: readonly Backend[], wanted: string): Backend {
  const found = backends.find(({ revision }) => revision === wanted);
  if (found === undefined) throw new Error(`no backend is the revision ${wanted}`);
  return found;
}

function buildAccess(from: NonNullable<Spec['access']>['from']): Access | undefined {
  if (from.some(({ anyone }) => anyone !== undefined)) return undefined;
  return {
    serviceAccounts: new Set(from.flatMap(({ serviceAccount: one }) => (one ? `${one.namespace}/${one.name}` : []))),
    namespaces: new Set(from.flatMap(({ namespace }) => namespace?.name ?? [])),
    certificateNames: new Set(from.flatMap(({ certificate }) => certificate?.name ?? [])),
  };
}

function buildSticky(sticky: Spec['sticky']): Sticky | undefined {
  if (sticky === undefined) return undefined;
  const { header, bodyField, tensor, salt } = sticky;
  if (header !== undefined) return { by: 'header', name: header, salt };
  if (bodyField !== undefined) return { by: 'bodyField', path: bodyField.split('.'), salt };
  return tensor === undefined ? undefined : { by: 'tensor', name: tensor, salt };
}
