/** What a cluster in a box can leave on a machine, read from the machine itself. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { clusterLayout } from '../../hack/cluster/index.ts';

/** Process ids by command line, of those that belong to a cluster: its folder or its name stands in their arguments. */
export function processesOf(cluster: string): Map<number, string> {
  const { folder } = clusterLayout(cluster);
  const found = new Map<number, string>();
  for (const pid of readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry))) {
    const command = commandLine(pid);
    if (command.includes(`${folder}/`) || command.includes(`{"name":"${cluster}"`)) found.set(Number(pid), command);
  }
  return found;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it ended meanwhile
  }
}

/** Everything of a cluster but its caches, as lines for a person; empty when nothing is left. */
export function leftovers(cluster: string): string[] {
  const { folder, lock, cgroup } = clusterLayout(cluster);
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const root = '/sys/fs/cgroup';
  const hierarchies = existsSync(root) ? [root, ...readdirSync(root).map((name) => join(root, name))] : [];
  return [
    ...processesOf(cluster).values(),
    ...mounts.filter((line) => line.includes(folder)),
    ...hierarchies.map((hierarchy) => join(hierarchy, cgroup)).filter((path) => existsSync(path)),
    ...[folder, lock].filter((path) => existsSync(path)),
    ...Object.keys(networkInterfaces()).filter((name) => ['node0', 'cni0'].includes(name)),
  ];
}
