/** Names, folders and addresses of a cluster in a box. Every box has namespaces of its own, so all use the same addresses. */
import { join } from 'node:path';
import { cacheFolder } from '../kube/binaries.ts';

export const NODE_ADDRESS = '10.201.0.1';
export const NODE_NETWORK_PREFIX = 24;
export const POD_NETWORK = '10.202.0.0/16';
export const SERVICE_NETWORK = '10.203.0.0/16';
/** The first address of the Service network is the API server's own, by Kubernetes' rule. */
export const API_SERVICE_ADDRESS = '10.203.0.1';
export const DNS_SERVICE_ADDRESS = '10.203.0.10';
export const API_PORT = 6443;
export const CLUSTER_DOMAIN = 'cluster.local';
export const PAUSE_IMAGE = 'slipway.dev/pause:1';

export interface Layout {
  readonly name: string;
  /** Everything of this cluster; `down` removes it. */
  readonly folder: string;
  /** Held while it is started or ended, so that two who do so at once do not get two halves. */
  readonly lock: string;
  /** etcd, certificates, kubelet: made anew by each `up`. */
  readonly run: string;
  readonly logs: string;
  /** containerd's images, which outlive `up` and `down`, because loading them is what takes long. */
  readonly images: string;
  /** Directories of volumes. */
  readonly volumes: string;
  readonly kubeconfig: string;
  /** Connections from outside enter here; see `box/relay.ts`. */
  readonly socket: string;
  readonly state: string;
  readonly cgroup: string;
}

export function clusterLayout(name: string): Layout {
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name)) {
    throw new Error(`"${name}" is no name for a cluster: 1 to 20 of a-z, 0-9 and "-", beginning with a letter`);
  }
  const folder = join(cacheFolder(), 'clusters', name);
  const run = join(folder, 'run');
  return {
    name,
    folder,
    lock: `${folder}.lock`,
    run,
    logs: join(folder, 'logs'),
    images: join(cacheFolder(), 'containerd', name),
    volumes: join(folder, 'volumes'),
    kubeconfig: join(folder, 'kubeconfig'),
    socket: join(run, 'relay.sock'),
    state: join(folder, 'state.json'),
    cgroup: `slipway-${name}`,
  };
}
