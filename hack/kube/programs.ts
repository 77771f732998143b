import { COREDNS_VERSION, ETCD_VERSION, HELM_VERSION, KUBERNETES_VERSION, TRAEFIK_VERSION } from './versions.ts';

export const BINARY_NAMES = [
  'etcd',
  'kube-apiserver',
  'kubectl',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'coredns',
  'helm',
  'traefik',
] as const;
export type BinaryName = (typeof BINARY_NAMES)[number];

/** Where one program comes from: its official release, and its source. */
export interface Program {
  readonly version: string;
  /** The release file, its checksum file, and, for an archive, the path of the program in it. */
  readonly release: { readonly url: string; readonly checksumUrl: string; readonly inArchive?: string };
  readonly source: GoSource;
  /** Roughly how long a build from source takes on two cores with nothing cached, in seconds. */
  readonly buildSeconds: number;
}

/** `module`: built in hack/kube's own module. `install`: `go install PACKAGE@VERSION`. */
export type GoSource =
  | { readonly kind: 'module' | 'install'; readonly package: string }
  /** Built within its own module, since that replaces others, which `go install` refuses. */
  | { readonly kind: 'extracted'; readonly module: string; readonly package: string };

type Arch = 'amd64' | 'arm64';

export function program(name: BinaryName, arch: Arch): Program {
  if (name === 'etcd') return etcd(arch);
  if (name === 'coredns') return coredns(arch);
  if (name === 'helm') return helm(arch);
  if (name === 'traefik') return traefik(arch);
  const url = `https://dl.k8s.io/release/${KUBERNETES_VERSION}/bin/linux/${arch}/${name}`;
  return {
    version: KUBERNETES_VERSION,
    release: { url, checksumUrl: `${url}.sha256` },
    source: { kind: 'module', package: `k8s.io/kubernetes/cmd/${name}` },
    buildSeconds: KUBERNETES_BUILD_SECONDS[name],
  };
}

const KUBERNETES_BUILD_SECONDS = {
  'kube-apiserver': 420,
  kubectl: 60,
  'kube-controller-manager': 90,
  'kube-scheduler': 15,
  kubelet: 40,
  'kube-proxy': 20,
} as const;

function etcd(arch: Arch): Program {
  const folder = `https://github.com/etcd-io/etcd/releases/download/${ETCD_VERSION}`;
  const name = `etcd-${ETCD_VERSION}-linux-${arch}`;
  return {
    version: ETCD_VERSION,
    release: { url: `${folder}/${name}.tar.gz`, checksumUrl: `${folder}/SHA256SUMS`, inArchive: `${name}/etcd` },
    source: { kind: 'module', package: 'go.etcd.io/etcd/server/v3' },
    buildSeconds: 80,
  };
}

function coredns(arch: Arch): Program {
  const bare = COREDNS_VERSION.slice(1);
  const url = `https://github.com/coredns/coredns/releases/download/${COREDNS_VERSION}/coredns_${bare}_linux_${arch}.tgz`;
  return {
    version: COREDNS_VERSION,
    release: { url, checksumUrl: `${url}.sha256`, inArchive: 'coredns' },
    source: { kind: 'install', package: 'github.com/coredns/coredns' },
    buildSeconds: 230,
  };
}

function helm(arch: Arch): Program {
  const url = `https://get.helm.sh/helm-${HELM_VERSION}-linux-${arch}.tar.gz`;
  return {
    version: HELM_VERSION,
    release: { url, checksumUrl: `${url}.sha256sum`, inArchive: `linux-${arch}/helm` },
    source: { kind: 'install', package: 'helm.sh/helm/v4/cmd/helm' },
    buildSeconds: 190,
  };
}

function traefik(arch: Arch): Program {
  const folder = `https://github.com/traefik/traefik/releases/download/${TRAEFIK_VERSION}`;
  return {
    version: TRAEFIK_VERSION,
    release: {
      url: `${folder}/traefik_${TRAEFIK_VERSION}_linux_${arch}.tar.gz`,
      checksumUrl: `${folder}/traefik_${TRAEFIK_VERSION}_checksums.txt`,
      inArchive: 'traefik',
    },
    source: { kind: 'extracted', module: 'github.com/traefik/traefik/v3', package: './cmd/traefik' },
    buildSeconds: 900,
  };
}
