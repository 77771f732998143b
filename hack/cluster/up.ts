import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { findBinaries } from '../kube/binaries.ts';
import { removeCgroup } from './box/cgroups.ts';
import { lastLines, until } from './box/processes.ts';
import { kubectl } from './kubectl.ts';
import { clusterLayout } from './layout.ts';
import type { Layout } from './layout.ts';
import { installMissingPackages } from './packages.ts';
import { runningCluster } from './state.ts';

export interface UpOptions {
  readonly name?: string;
  readonly progress?: (line: string) => void;
}

/** Starts a cluster, or finds it running; resolves when its node is Ready, with the path of an administrator's kubeconfig. */
export async function clusterUp({ name = 'slipway', progress = () => {} }: UpOptions = {}): Promise<string> {
  const layout = clusterLayout(name);
  if (runningCluster(name) !== undefined) {
    await nodeReady(layout);
    progress(`cluster ${name} is up already`);
    return layout.kubeconfig;
  }
  installMissingPackages(progress);
  const binaries = await findBinaries(
    [
      'etcd',
      'kube-apiserver',
      'kubectl',
      'kube-controller-manager',
      'kube-scheduler',
      'kubelet',
      'kube-proxy',
      'coredns',
    ],
    { progress },
  );
  const started = Date.now();
  progress(`cluster ${name}: starting`);
  sweep(layout);
  for (const folder of [layout.run, layout.logs, layout.volumes]) mkdirSync(folder, { recursive: true });
  const log = openSync(join(layout.logs, 'supervisor.log'), 'w');
  const request = JSON.stringify({ name, binaries });
  spawn(process.execPath, [join(import.meta.dirname, 'supervisor.ts'), request], {
    detached: true,
    stdio: ['ignore', log, log],
  }).unref();
  await nodeReady(layout);
  progress(`cluster ${name}: ready in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  return layout.kubeconfig;
}

/** Takes away what a box that was killed left behind; everything else ended with it. */
export function sweep({ run, volumes, kubeconfig, state, cgroup }: Layout): void {
  removeCgroup(cgroup);
  for (const path of [run, volumes, kubeconfig, state]) rmSync(path, { recursive: true, force: true });
}

const READY = '{.items[*].status.conditions[?(@.type=="Ready")].status}';

async function nodeReady(layout: Layout): Promise<void> {
  let seen = false;
  await until(
    `cluster ${layout.name}`,
    async () => {
      const running = runningCluster(layout.name) !== undefined;
      if (seen && !running) throw new BoxEnded(lastLines(join(layout.logs, 'box.log')));
      seen ||= running;
      if (!existsSync(layout.kubeconfig)) return false;
      const nodes = await kubectl(layout.name, ['get', 'nodes', '-o', `jsonpath=${READY}`]);
      const account = await kubectl(layout.name, ['get', 'serviceaccount', 'default', '-o', 'name']);
      return nodes.stdout === 'True' && account.code === 0;
    },
    { log: join(layout.logs, 'box.log') },
  );
}

class BoxEnded extends Error {
  override name = 'BoxEnded';
}
