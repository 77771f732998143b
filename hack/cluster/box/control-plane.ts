/** etcd, the API server, the controller manager and the scheduler of a box: their flags, and their credentials. */
import { join } from 'node:path';
import { createAuthority, issueCertificate } from '../../kube/certificates.ts';
import { writeKubeconfig } from '../../kube/kubeconfig.ts';
import {
  API_PORT,
  API_SERVICE_ADDRESS,
  CLUSTER_DOMAIN,
  NODE_ADDRESS,
  POD_NETWORK,
  SERVICE_NETWORK,
} from '../layout.ts';
import type { Layout } from '../layout.ts';

export const API_URL = `https://${NODE_ADDRESS}:${API_PORT}`;

/** Who has a certificate: its file, the user and the group that Kubernetes reads from it. */
const USERS = [
  { name: 'admin', commonName: 'admin', organization: 'system:masters' },
  { name: 'controller-manager', commonName: 'system:kube-controller-manager' },
  { name: 'scheduler', commonName: 'system:kube-scheduler' },
  { name: 'proxy', commonName: 'system:kube-proxy' },
  { name: 'dns', commonName: 'system:dns', organization: 'system:masters' },
  { name: 'kubelet-client', commonName: 'kube-apiserver-kubelet-client', organization: 'system:masters' },
] as const;

/** Writes certificates and kubeconfigs into the run folder; `publicUrl` is how the box is reached from outside. */
export function writeCredentials({ name, run, kubeconfig }: Layout, publicUrl: string): void {
  createAuthority(run);
  const names = [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    'localhost',
  ];
  const addresses = [NODE_ADDRESS, API_SERVICE_ADDRESS, '127.0.0.1'];
  const alternativeNames = [...names.map((entry) => `DNS:${entry}`), ...addresses.map((entry) => `IP:${entry}`)];
  issueCertificate(run, { name: 'apiserver', commonName: 'kube-apiserver', alternativeNames });
  const node = { name: 'kubelet', commonName: `system:node:${name}`, organization: 'system:nodes' };
  issueCertificate(run, { ...node, alternativeNames: [`DNS:${name}`, `IP:${NODE_ADDRESS}`] });
  for (const user of USERS) issueCertificate(run, user);
  for (const user of [...USERS.map((entry) => entry.name), 'kubelet']) {
    writeKubeconfig(join(run, `${user}.kubeconfig`), { server: API_URL, folder: run, user: { certificate: user } });
  }
  writeKubeconfig(kubeconfig, { server: publicUrl, folder: run, user: { certificate: 'admin' } });
}

export function etcdFlags({ run }: Layout): string[] {
  return [
    `--data-dir=${join(run, 'etcd')}`,
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--unsafe-no-fsync', // the data of a box lives no longer than the box
    '--log-level=warn',
  ];
}

export function apiServerFlags({ run }: Layout): string[] {
  const file = (name: string) => join(run, name);
  return [
    '--etcd-servers=http://127.0.0.1:2379',
    `--bind-address=${NODE_ADDRESS}`,
    `--advertise-address=${NODE_ADDRESS}`,
    `--secure-port=${API_PORT}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--kubelet-client-certificate=${file('kubelet-client.crt')}`,
    `--kubelet-client-key=${file('kubelet-client.key')}`,
    `--kubelet-certificate-authority=${file('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--allow-privileged=true',
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    `--service-account-issuer=https://kubernetes.default.svc.${CLUSTER_DOMAIN}`,
    `--service-account-key-file=${file('sa.pub')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
  ];
}

export function controllerManagerFlags({ run }: Layout): string[] {
  return [
    `--kubeconfig=${join(run, 'controller-manager.kubeconfig')}`,
    `--cluster-cidr=${POD_NETWORK}`,
    '--leader-elect=false',
    `--service-account-private-key-file=${join(run, 'sa.key')}`,
    `--root-ca-file=${join(run, 'ca.crt')}`,
    '--use-service-account-credentials=true',
  ];
}

export function schedulerFlags({ run }: Layout): string[] {
  return [`--kubeconfig=${join(run, 'scheduler.kubeconfig')}`, '--leader-elect=false'];
}
