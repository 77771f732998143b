/** How long a cluster in a box takes to be ready, and to be gone. */
import { clusterDown, clusterUp } from '../../hack/cluster/index.ts';

export async function benchCluster(): Promise<void> {
  const name = 'bench';
  await clusterDown(name);
  const started = Date.now();
  await clusterUp({ name });
  const ready = Date.now();
  await clusterDown(name);
  console.log(
    `up ${((ready - started) / 1000).toFixed(1)} s, down ${((Date.now() - ready) / 1000).toFixed(1)} s (programs in the cache)`,
  );
}
