import { mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { withFileLock } from '../kube/file-lock.ts';
import { clusterLayout } from './layout.ts';
import type { Layout } from './layout.ts';
import { runningCluster } from './state.ts';
import { sweep } from './up.ts';

const PATIENCE_MS = 10_000;

/** Ends a cluster and removes all of it but caches; false when it was not running. */
export async function clusterDown(name = 'slipway'): Promise<boolean> {
  const layout = clusterLayout(name);
  mkdirSync(dirname(layout.lock), { recursive: true });
  return withFileLock(layout.lock, () => end(layout));
}

async function end(layout: Layout): Promise<boolean> {
  const { name } = layout;
  const state = runningCluster(name);
  if (state !== undefined) {
    process.kill(state.supervisor, 'SIGTERM');
    const deadline = Date.now() + PATIENCE_MS;
    while (runningCluster(name) !== undefined && Date.now() < deadline) await sleep(100);
    if (runningCluster(name) !== undefined) process.kill(state.supervisor, 'SIGKILL');
  }
  await sweep(layout);
  rmSync(layout.folder, { recursive: true, force: true });
  return state !== undefined;
}
