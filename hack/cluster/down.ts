import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterLayout } from './layout.ts';
import { runningCluster } from './state.ts';
import { sweep } from './up.ts';

const PATIENCE_MS = 10_000;

/** Ends a cluster and removes all of it but caches; false when it was not running. */
export async function clusterDown(name = 'slipway'): Promise<boolean> {
  const layout = clusterLayout(name);
  const state = runningCluster(name);
  if (state !== undefined) {
    process.kill(state.supervisor, 'SIGTERM');
    const deadline = Date.now() + PATIENCE_MS;
    while (runningCluster(name) !== undefined && Date.now() < deadline) await sleep(100);
    if (runningCluster(name) !== undefined) process.kill(state.supervisor, 'SIGKILL');
  }
  sweep(layout);
  rmSync(layout.folder, { recursive: true, force: true });
  return state !== undefined;
}
