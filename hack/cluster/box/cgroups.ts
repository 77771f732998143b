/** The cgroup that all pods of a box live in. Cgroups are not namespaced here, so each box has a folder of its own name. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const ROOT = '/sys/fs/cgroup';

/** The hierarchies to make the folder in: one for version 2, one a controller for version 1. */
function hierarchies(): string[] {
  if (existsSync(join(ROOT, 'cgroup.controllers'))) return [ROOT];
  return readdirSync(ROOT)
    .map((name) => join(ROOT, name))
    .filter((folder) => existsSync(join(folder, 'cgroup.procs')));
}

export function createCgroup(name: string): void {
  for (const hierarchy of hierarchies()) {
    const folder = join(hierarchy, name);
    mkdirSync(folder, { recursive: true });
    if (basename(hierarchy) === 'cpuset') inheritCpuset(hierarchy, folder);
    if (hierarchy === ROOT) delegateControllers(hierarchy);
  }
}

/** A new cpuset has no processors and no memory, and nothing can run in it. */
function inheritCpuset(parent: string, folder: string): void {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) copyFileSync(join(parent, file), join(folder, file));
}

/** Version 2: what the root does not hand down, the box cannot use. */
function delegateControllers(root: string): void {
  const controllers = readFileSync(join(root, 'cgroup.controllers'), 'utf8').trim().split(' ');
  for (const controller of controllers) {
    try {
      writeFileSync(join(root, 'cgroup.subtree_control'), `+${controller}`);
    } catch {
      // A controller that the machine keeps for itself; pods go without its limits.
    }
  }
}

/**
 * Removes the folder and all below it; only empty cgroups can be removed, so this is for boxes whose processes have ended.
 * False when something still ends in it: try again.
 */
export function removeCgroup(name: string): boolean {
  const folders = hierarchies().map((hierarchy) => join(hierarchy, name));
  for (const folder of folders) removeTree(folder);
  return !folders.some((folder) => existsSync(folder));
}

function removeTree(folder: string): void {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory()) removeTree(join(folder, entry.name));
  }
  try {
    rmdirSync(folder);
  } catch {
    // Not empty yet; `removeCgroup` tells its caller.
  }
}
