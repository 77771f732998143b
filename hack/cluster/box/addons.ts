/** What a cluster has before its first user comes: DNS, and a default StorageClass. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { API_URL } from './control-plane.ts';
import { CLUSTER_DOMAIN, DNS_SERVICE_ADDRESS, NODE_ADDRESS } from '../layout.ts';
import type { Layout } from '../layout.ts';

export const STORAGE_PROVISIONER = 'slipway.dev/local';

/** CoreDNS runs beside the API server rather than in a pod, so that it needs no image. */
export function dnsFlags({ run }: Layout): string[] {
  const config = join(run, 'Corefile');
  const credentials = `${join(run, 'dns.crt')} ${join(run, 'dns.key')} ${join(run, 'ca.crt')}`;
  writeFileSync(
    config,
    `.:53 {
  bind ${NODE_ADDRESS}
  errors
  kubernetes ${CLUSTER_DOMAIN} in-addr.arpa ip6.arpa {
    endpoint ${API_URL}
    tls ${credentials}
    ttl 5
  }
}
`,
  );
  return ['-conf', config];
}

const dnsPorts = [
  { name: 'dns', protocol: 'UDP', port: 53 },
  { name: 'dns-tcp', protocol: 'TCP', port: 53 },
];

/** Applied once the API server answers. */
export const DNS: readonly object[] = [
  {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } },
    spec: { clusterIP: DNS_SERVICE_ADDRESS, ports: dnsPorts },
  },
  {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'kube-dns', namespace: 'kube-system', labels: { 'kubernetes.io/service-name': 'kube-dns' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: [NODE_ADDRESS], conditions: { ready: true } }],
    ports: dnsPorts,
  },
];

export const STORAGE_CLASS = 'standard';

/** Applied last of all, so that who sees it knows that DNS and volumes work. */
export const STORAGE: readonly object[] = [
  {
    apiVersion: 'storage.k8s.io/v1',
    kind: 'StorageClass',
    metadata: { name: STORAGE_CLASS, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: STORAGE_PROVISIONER,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  },
];
