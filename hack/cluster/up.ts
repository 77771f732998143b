import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findBinaries } from '../kube/binaries.ts';
import { withFileLock } from '../kube/file-lock.ts';
import { STORAGE_CLASS } from './box/addons.ts';
import { removeCgroup } from './box/cgroups.ts';
import { lastLines } from './box/processes.ts';
import { kubectl } from './kubectl.ts';
import { clusterLayout } from './layout.ts';
import type { Layout } from './layout.ts';
import { installMissingPackages } from './packages.ts';
import { runningCluster } from './state.ts';

export interface UpOptions {
  readonly name?: string;
  readonly progress?: (line: string) => void;
}

/** Starts a cluster, or finds it running; resolves when all of it is ready, with the path of an administrator's kubeconfig. */
export async function clusterUp({ name = 'slipway', progress = () => {} }: UpOptions = {}): Promise<string> {
  const layout = clusterLayout(name);
  mkdirSync(dirname(layout.lock), { recursive: true });
  await withFileLock(layout.lock, () => findOrStart(layout, progress));
  return layout.kubeconfig;
}

const PROGRAMS = [
  'etcd',
  'kube-apiserver',
  'kubectl',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'coredns',
] as const;

async function findOrStart(layout: Layout, progress: (line: string) => void): Promise<void> {
  const { name } = layout;
  // One that is just ending looks like a running one for a moment, and is then started anew.
  if (runningCluster(name) !== undefined && (await ready(layout))) return progress(`cluster ${name} is up already`);
  installMissingPackages(progress);
  const binaries = await findBinaries(PROGRAMS, { progress });
  const started = Date.now();
  progress(`cluster ${name}: starting`);
  await sweep(layout);
  for (const folder of [layout.run, layout.logs, layout.volumes]) mkdirSync(folder, { recursive: true });
  startSupervisor(layout, JSON.stringify({ name, binaries }));
  if (!(await ready(layout))) {
    throw new Error(
      `cluster ${name} ended while it started; its last words:\n${lastLines(join(layout.logs, 'box.log'))}`,
    );
  }
  progress(`cluster ${name}: ready in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

function startSupervisor({ logs, name, state }: Layout, request: string): void {
  const log = openSync(join(logs, 'supervisor.log'), 'w');
  const program = join(import.meta.dirname, 'supervisor.ts');
  const supervisor = spawn(process.execPath, [program, request], { detached: true, stdio: ['ignore', log, log] });
  supervisor.unref();
  closeSync(log);
  // From the first moment on it counts as running; it writes the rest once it knows its port.
  writeFileSync(state, JSON.stringify({ name, supervisor: supervisor.pid, apiPort: 0 }));
}

const SWEEP_PATIENCE_MS = 10_000;

/** Takes away what a box that was killed left behind; everything else ended with it. */
export async function sweep({ run, volumes, kubeconfig, state, cgroup }: Layout): Promise<void> {
  const deadline = Date.now() + SWEEP_PATIENCE_MS;
  while (!removeCgroup(cgroup) && Date.now() < deadline) await sleep(100);
  for (const path of [run, volumes, kubeconfig, state]) rmSync(path, { recursive: true, force: true });
}

const READY_TIMEOUT_MS = 120_000;
const READY = '{.items[*].status.conditions[?(@.type=="Ready")].status}';

/** Waits until a started cluster is ready; false when it ended instead. Rejects when it does neither. */
async function ready(layout: Layout): Promise<boolean> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if (runningCluster(layout.name) === undefined) return false;
    if (existsSync(layout.kubeconfig) && (await hasAll(layout.name))) return true;
    await sleep(200);
  }
  throw new Error(
    `cluster ${layout.name} was not ready after ${READY_TIMEOUT_MS / 1000} s; its logs are in ${layout.logs}, and ` +
      `\`npm run cluster -- --name ${layout.name} down\` ends it`,
  );
}

/** The StorageClass comes after DNS, the service account from the controller manager, and a Ready node runs pods. */
async function hasAll(name: string): Promise<boolean> {
  const last = await kubectl(name, ['get', `storageclass/${STORAGE_CLASS}`, '-o', 'name']);
  if (last.code !== 0) return false;
  const account = await kubectl(name, ['get', 'serviceaccount/default', '-o', 'name']);
  const nodes = await kubectl(name, ['get', 'nodes', '-o', `jsonpath=${READY}`]);
  return nodes.stdout === 'True' && account.code === 0;
}
