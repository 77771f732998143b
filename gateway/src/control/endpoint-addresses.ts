/** Which pods the EndpointSlices of a Service say can take requests. */
import type { DeepReadonly, EndpointSlice } from '@slipway/kube';

/** Those that are ready; where none is, those that end and still serve, as kube-proxy does. In a fixed order. */
export function endpointAddresses(slices: readonly DeepReadonly<EndpointSlice>[]): readonly string[] {
  const endpoints = endpointsOf(slices);
  const ready = endpoints.filter(isReady);
  const ending = endpoints.filter(({ conditions }) => conditions?.serving === true && conditions.terminating === true);
  return addressesOf(ready.length > 0 ? ready : ending);
}

/** Those that are there and not ready, and were not told to end: they start, or hang. */
export function silentAddresses(slices: readonly DeepReadonly<EndpointSlice>[]): readonly string[] {
  return addressesOf(endpointsOf(slices).filter((one) => !isReady(one) && one.conditions?.terminating !== true));
}

type SliceEndpoint = DeepReadonly<EndpointSlice>['endpoints'][number];

function endpointsOf(slices: readonly DeepReadonly<EndpointSlice>[]): readonly SliceEndpoint[] {
  return slices.filter(({ addressType }) => addressType !== 'FQDN').flatMap((slice) => slice.endpoints);
}

/** The API says nothing of a condition where it means yes. */
function isReady({ conditions }: SliceEndpoint): boolean {
  return conditions?.ready !== false;
}

/** The addresses of one endpoint lead to the same pod. */
function addressesOf(endpoints: readonly SliceEndpoint[]): readonly string[] {
  return [...new Set(endpoints.flatMap(({ addresses: [first] }) => first ?? []))].toSorted();
}

/** `namespace/service`; undefined for a slice that is of no Service. */
export function serviceOfSlice({ metadata }: DeepReadonly<EndpointSlice>): string | undefined {
  const name = metadata.labels?.[SERVICE_LABEL];
  return name === undefined ? undefined : serviceKey(metadata.namespace, name);
}

export const SERVICE_LABEL = 'kubernetes.io/service-name';

export function serviceKey(namespace: string | undefined, name: string): string {
  return `${namespace ?? ''}/${name}`;
}

/** All that a gateway holds of a slice: there may be thousands, each with a hundred endpoints. */
export function keptOfSlice({ apiVersion, kind, metadata, addressType, endpoints }: EndpointSlice): EndpointSlice {
  const { name, namespace = '', uid = '', resourceVersion = '', labels } = metadata;
  const service = labels?.[SERVICE_LABEL] ?? '';
  return {
    apiVersion,
    kind,
    metadata: { name, namespace, uid, resourceVersion, labels: { [SERVICE_LABEL]: service } },
    addressType,
    // A Service without pods has a slice whose list is null on the wire.
    endpoints: (endpoints ?? []).map(({ addresses, conditions }) => ({ addresses, ...(conditions && { conditions }) })),
  };
}
