/** A real API server with its etcd, and on request the controllers of Kubernetes, for the tests of this level. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries } from '../../hack/kube/binaries.ts';
import { createAuthority, issueCertificate } from '../../hack/kube/certificates.ts';
import { writeKubeconfig } from '../../hack/kube/kubeconfig.ts';
import { freePorts } from '../free-ports.ts';

export interface ControlPlaneOptions {
  /** Jobs, Deployments, EndpointSlices, namespaces and garbage are looked after. Default: no. */
  readonly controllerManager?: boolean;
  readonly scheduler?: boolean;
}

export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ControlPlane {
  readonly url: string;
  /** Of an administrator. */
  readonly kubeconfigPath: string;
  /** Certificates of the plane's authority (`ca.crt` …), kubeconfigs and logs. */
  readonly folder: string;
  kubectl(args: readonly string[], stdin?: string): Promise<KubectlResult>;
  /** Stops the API server alone and starts it again on the same port and data. */
  restartApiServer(): Promise<void>;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;

/** Starts a control plane of its own, about 6 s; several can run side by side. It dies with this process, however that ends. */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const extra = [
    ...(options.controllerManager === true ? (['kube-controller-manager'] as const) : []),
    ...(options.scheduler === true ? (['kube-scheduler'] as const) : []),
  ];
  const binaries = await findBinaries(['etcd', 'kube-apiserver', 'kubectl', ...extra], { progress: console.error });
  const folder = mkdtempSync(join(tmpdir(), 'slipway-apiserver-'));
  const [etcdPort, peerPort, port] = await freePorts(3);
  const url = `https://127.0.0.1:${port}`;
  const kubeconfigPath = join(folder, 'admin.kubeconfig');
  writeCredentials(folder, url, kubeconfigPath);

  const running: ChildProcess[] = [];
  const remover = removeWithThisProcess(folder);
  const start = (name: string, program: string, args: readonly string[]) => {
    const child = startGuarded(program, args, join(folder, `${name}.log`));
    running.push(child);
    return child;
  };
  start('etcd', binaries.etcd, etcdFlags(folder, etcdPort ?? 0, peerPort ?? 0));
  const apiFlags = apiServerFlags(folder, port ?? 0, etcdPort ?? 0);
  let apiServer = start('kube-apiserver', binaries['kube-apiserver'], apiFlags);

  const kubectl = (args: readonly string[], stdin?: string) =>
    run(binaries.kubectl, ['--kubeconfig', kubeconfigPath, ...args], stdin);
  const plane: ControlPlane = {
    url,
    kubeconfigPath,
    folder,
    kubectl,
    restartApiServer: async () => {
      await ended(apiServer);
      apiServer = start('kube-apiserver', binaries['kube-apiserver'], apiFlags);
      await ready(kubectl, folder);
    },
    stop: async () => {
      for (const child of running.toReversed()) await ended(child);
      remover.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await ready(kubectl, folder);
    for (const name of extra)
      start(name, (binaries as Record<string, string>)[name] ?? '', controllerFlags(name, folder, kubeconfigPath));
    await defaultServiceAccount(kubectl, options.controllerManager === true);
    return plane;
  } catch (cause) {
    await plane.stop();
    throw cause;
  }
}

function writeCredentials(folder: string, url: string, kubeconfigPath: string): void {
  createAuthority(folder);
  const alternativeNames = ['IP:127.0.0.1', 'DNS:localhost', 'DNS:kubernetes.default.svc', 'IP:10.0.0.1'];
  issueCertificate(folder, { name: 'apiserver', commonName: 'kube-apiserver', alternativeNames });
  issueCertificate(folder, { name: 'admin', commonName: 'admin', organization: 'system:masters' });
  writeKubeconfig(kubeconfigPath, { server: url, folder, user: { certificate: 'admin' } });
}

function etcdFlags(folder: string, port: number, peerPort: number): string[] {
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  return [
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

function apiServerFlags(folder: string, port: number, etcdPort: number): string[] {
  const file = (name: string) => join(folder, name);
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${folder}`,
    `--tls-cert-file=${file('apiserver.crt')}`,
    `--tls-private-key-file=${file('apiserver.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    '--authorization-mode=Node,RBAC',
    '--service-cluster-ip-range=10.0.0.0/16',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${file('sa.pub')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
    '--allow-privileged=true',
    '--endpoint-reconciler-type=none',
  ];
}

function controllerFlags(
  name: 'kube-controller-manager' | 'kube-scheduler',
  folder: string,
  kubeconfigPath: string,
): string[] {
  const common = [`--kubeconfig=${kubeconfigPath}`, '--leader-elect=false', '--secure-port=0'];
  if (name === 'kube-scheduler') return common;
  return [
    ...common,
    `--service-account-private-key-file=${join(folder, 'sa.key')}`,
    `--root-ca-file=${join(folder, 'ca.crt')}`,
    '--use-service-account-credentials=false',
    // Its own 20 requests a second hold up Jobs and namespaces where many tests share it.
    '--kube-api-qps=1000',
    '--kube-api-burst=2000',
  ];
}

/**
 * Starts a program under a shell that waits for its own standard input to end, which happens when this process ends, even by
 * SIGKILL, and then kills the program: tests never leave a server behind. In a session of its own, because Ctrl-C and
 * `timeout` signal a whole process group: the guard would die of that, and an API server that lost its etcd first never ends.
 */
function startGuarded(program: string, args: readonly string[], logPath: string): ChildProcess {
  const log = openSync(logPath, 'a');
  const guard =
    'exec 3<&0; "$@" </dev/null 3<&- & child=$!; (cat <&3 >/dev/null; kill -9 $child 2>/dev/null) & exec 3<&-; wait $child';
  const child = spawn('sh', ['-c', guard, 'guard', program, ...args], {
    stdio: ['pipe', log, log],
    detached: true,
    // A third of Go's collections, for at most twice the memory: an eighth of the API server's time under tests.
    env: { GOGC: '300', ...process.env },
  });
  closeSync(log);
  return child;
}

/** Removes the folder when this process ends without `stop`, a second after the guards have ended what writes into it. */
function removeWithThisProcess(folder: string): ChildProcess {
  const script = 'cat >/dev/null; sleep 1; rm -rf -- "$1"';
  return spawn('sh', ['-c', script, 'remover', folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  await exit;
}

async function ready(kubectl: ControlPlane['kubectl'], folder: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while ((await kubectl(['get', '--raw', '/readyz'])).code !== 0) {
    if (Date.now() > deadline) {
      const log = readFileSync(join(folder, 'kube-apiserver.log'), 'utf8').split('\n').slice(-15).join('\n');
      throw new Error(`the API server was not ready after ${READY_TIMEOUT_MS / 1000} s; its last words:\n${log}`);
    }
    await sleep(200);
  }
}

/** Pods need one; the controller manager makes it where it runs. */
async function defaultServiceAccount(kubectl: ControlPlane['kubectl'], made: boolean): Promise<void> {
  if (!made) await kubectl(['create', 'serviceaccount', 'default', '--namespace=default']);
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while ((await kubectl(['get', 'serviceaccount', 'default', '--namespace=default'])).code !== 0) {
    if (Date.now() > deadline) throw new Error('the service account "default" did not appear');
    await sleep(200);
  }
}

function run(program: string, args: readonly string[], stdin = ''): Promise<KubectlResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe' });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
    child.stdin.on('error', () => {}); // it may end before it has read all; its code tells
    child.stdin.end(stdin);
  });
}
