import { containerdSocket } from './box/node.ts';
import { run } from './kubectl.ts';
import { clusterLayout } from './layout.ts';
import { runningCluster } from './state.ts';

/** Puts images from docker-archive or OCI tars into a running cluster, about a second each. Rejects with containerd's words. */
export async function loadImages(cluster: string, tars: readonly string[]): Promise<void> {
  if (runningCluster(cluster) === undefined)
    throw new Error(`cluster ${cluster} is down; \`npm run cluster -- up\` starts it`);
  const socket = containerdSocket(clusterLayout(cluster));
  for (const tar of tars) {
    const { code, stderr } = await run('ctr', ['--address', socket, '--namespace', 'k8s.io', 'images', 'import', tar]);
    if (code !== 0) throw new Error(`${tar} could not be loaded: ${stderr.trim()}`);
  }
}
