/** containerd, kubelet and kube-proxy of a box: their configuration files and flags. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLUSTER_DOMAIN, DNS_SERVICE_ADDRESS, NODE_ADDRESS, PAUSE_IMAGE, POD_NETWORK } from '../layout.ts';
import type { Layout } from '../layout.ts';

export function containerdSocket({ run }: Layout): string {
  return join(run, 'containerd.sock');
}

export function containerdFlags(layout: Layout): string[] {
  const { run, images } = layout;
  mkdirSync(images, { recursive: true });
  const config = join(run, 'containerd.toml');
  writeFileSync(
    config,
    `version = 2
root = "${images}"
state = "${join(run, 'containerd')}"
oom_score = 0

[grpc]
  address = "${containerdSocket(layout)}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # A machine that may not lower oom_score_adj refuses containers that ask for it.
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${join(run, 'cni')}"
`,
  );
  return ['--config', config];
}

export function kubeletFlags(layout: Layout): string[] {
  const { name, run, cgroup } = layout;
  const resolvConf = join(run, 'resolv.conf');
  writeFileSync(resolvConf, '');
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: NODE_ADDRESS,
    authentication: {
      x509: { clientCAFile: join(run, 'ca.crt') },
      webhook: { enabled: true },
      anonymous: { enabled: false },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: join(run, 'kubelet.crt'),
    tlsPrivateKeyFile: join(run, 'kubelet.key'),
    clusterDNS: [DNS_SERVICE_ADDRESS],
    clusterDomain: CLUSTER_DOMAIN,
    resolvConf,
    containerRuntimeEndpoint: `unix://${containerdSocket(layout)}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    oomScoreAdj: 0,
    maxPods: 250,
    // Nobody can pull again what were deleted here, and the machine's disk is its owner's.
    imageGCHighThresholdPercent: 100,
    imageMinimumGCAge: '8760h',
    imageMaximumGCAge: '0s',
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    registryPullQPS: 50,
    serializeImagePulls: false,
    logging: { verbosity: 1 },
  };
  writeFileSync(join(run, 'kubelet.json'), JSON.stringify(config));
  return [
    `--config=${join(run, 'kubelet.json')}`,
    `--kubeconfig=${join(run, 'kubelet.kubeconfig')}`,
    `--root-dir=${join(run, 'kubelet')}`,
    `--cert-dir=${join(run, 'kubelet-certificates')}`,
    `--hostname-override=${name}`,
    `--node-ip=${NODE_ADDRESS}`,
  ];
}

export function kubeProxyFlags({ run, name }: Layout): string[] {
  return [
    `--kubeconfig=${join(run, 'proxy.kubeconfig')}`,
    `--hostname-override=${name}`,
    `--cluster-cidr=${POD_NETWORK}`,
    '--proxy-mode=iptables',
    '--conntrack-max-per-core=0',
    // Changes of Services and endpoints reach the node within this span.
    '--iptables-min-sync-period=100ms',
  ];
}
