/** Which pods the EndpointSlices of a Service say can take requests. */
import type { DeepReadonly, EndpointSlice } from '@slipway/kube';

/** Those that are ready; where none is, those that end and still serve, as kube-proxy does. In a fixed order. */
export function endpointAddresses(slices: readonly DeepReadonly<EndpointSlice>[]): readonly string[] {
  const endpoints = slices.filter(({ addressType }) => addressType !== 'FQDN').flatMap((slice) => slice.endpoints);
  // The API says nothing of a condition where it means yes.
  const ready = endpoints.filter(({ conditions }) => conditions?.ready !== false);
  const ending = endpoints.filter(({ conditions }) => conditions?.serving === true && conditions.terminating === true);
  // The addresses of one endpoint lead to the same pod.
  const addresses = (ready.length > 0 ? ready : ending).flatMap(({ addresses: [first] }) => first ?? []);
  return [...new Set(addresses)].toSorted();
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
