/**
 * The first process of a box: makes its network, mounts and cgroup, starts every program of a Kubernetes in order, and ends
 * when any of them ends or when its standard input does. When it ends, the kernel ends everything else in the box.
 */
import { execFile, execFileSync } from 'node:child_process';
import { Resolver } from 'node:dns/promises';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BinaryName } from '../../kube/programs.ts';
import { CLUSTER_DOMAIN, clusterLayout, NODE_ADDRESS } from '../layout.ts';
import { DNS, dnsFlags, STORAGE } from './addons.ts';
import { createCgroup } from './cgroups.ts';
import {
  apiServerFlags,
  controllerManagerFlags,
  etcdFlags,
  schedulerFlags,
  writeCredentials,
} from './control-plane.ts';
import { createNetwork, writeCniConfig } from './network.ts';
import { containerdFlags, containerdSocket, kubeletFlags, kubeProxyFlags } from './node.ts';
import { writePauseImage } from './pause-image.ts';
import { startProcess, until } from './processes.ts';
import { listenInside } from './relay.ts';

const { name, publicUrl, binaries } = JSON.parse(process.argv[2] ?? '{}') as {
  name: string;
  publicUrl: string;
  binaries: Record<BinaryName, string>;
};
const layout = clusterLayout(name);
const { run, logs } = layout;
const log = (program: string) => join(logs, `${program}.log`);

process.stdin.on('end', () => process.exit(0)).resume();

function died(program: string, how: string): never {
  console.error(`${program} ended (${how}); so does the box. See ${log(program)}`);
  process.exit(1);
}

function start(program: string, path: string, args: readonly string[]): void {
  startProcess({ name: program, program: path, args }, { logs, died });
}

async function succeeds(program: string, args: readonly string[]): Promise<boolean> {
  await promisify(execFile)(program, args);
  return true;
}

/** Folders of the machine that CNI and others would write names into; in the box they are empty and end with it. */
const PRIVATE_FOLDERS = ['/run/netns', '/var/lib/cni', '/run/containerd'];

function separate(): void {
  execFileSync('mount', ['--make-rshared', '/']);
  for (const folder of PRIVATE_FOLDERS) {
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
  }
  execFileSync('mount', ['--make-rshared', '/run/netns']);
  createNetwork();
  createCgroup(layout.cgroup);
  writeCniConfig(join(run, 'cni'), join(run, 'cni-addresses'));
}

async function startControlPlane(): Promise<void> {
  writeCredentials(layout, publicUrl);
  start('etcd', binaries.etcd, etcdFlags(layout));
  start('containerd', 'containerd', containerdFlags(layout));
  start('kube-apiserver', binaries['kube-apiserver'], apiServerFlags(layout));
  await until('the API server', () => succeeds(binaries.kubectl, [...admin, 'get', '--raw', '/readyz']), {
    log: log('kube-apiserver'),
  });
  start('kube-controller-manager', binaries['kube-controller-manager'], controllerManagerFlags(layout));
  start('kube-scheduler', binaries['kube-scheduler'], schedulerFlags(layout));
}

const admin = ['--kubeconfig', join(run, 'admin.kubeconfig')];

async function startNode(): Promise<void> {
  const images = [
    '--address',
    containerdSocket(layout),
    '--namespace',
    'k8s.io',
    'images',
    'import',
    writePauseImage(run),
  ];
  await until('containerd', () => succeeds('ctr', images), { log: log('containerd') });
  start('kubelet', binaries.kubelet, kubeletFlags(layout));
  start('kube-proxy', binaries['kube-proxy'], kubeProxyFlags(layout));
}

async function startAddons(): Promise<void> {
  await apply(DNS);
  start('coredns', binaries.coredns, dnsFlags(layout));
  const provisioner = join(import.meta.dirname, 'provisioner.ts');
  start('provisioner', process.execPath, [
    provisioner,
    binaries.kubectl,
    join(run, 'admin.kubeconfig'),
    layout.volumes,
  ]);
  await until('DNS', answersNames, { log: log('coredns') });
  await apply(STORAGE);
}

async function apply(items: readonly object[]): Promise<void> {
  const file = join(run, 'addons.json');
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  await succeeds(binaries.kubectl, [...admin, 'apply', '--server-side', '-f', file]);
}

async function answersNames(): Promise<boolean> {
  const resolver = new Resolver({ timeout: 1000, tries: 1 });
  resolver.setServers([NODE_ADDRESS]);
  return (await resolver.resolve4(`kubernetes.default.svc.${CLUSTER_DOMAIN}`)).length > 0;
}

separate();
await startControlPlane();
listenInside(layout.socket);
await Promise.all([startNode(), startAddons()]);
