import type { AddressInfo } from 'node:net';
import { listenOutside } from './box/relay.ts';
import { kubectl } from './kubectl.ts';
import { clusterLayout } from './layout.ts';

export interface Forward {
  readonly port: number;
  close(): void;
}

/**
 * A local port that reaches a Service through kube-proxy, chosen anew for each connection: unlike `kubectl port-forward`, which
 * stays with one pod, it follows the Service when that selects other pods. Rejects when there is no such Service.
 */
export async function forwardService(
  cluster: string,
  { namespace, service, port, localPort = 0 }: { namespace: string; service: string; port: number; localPort?: number },
): Promise<Forward> {
  const found = await kubectl(cluster, [
    'get',
    'service',
    service,
    '--namespace',
    namespace,
    '-o',
    'jsonpath={.spec.clusterIP}',
  ]);
  const address = found.stdout.trim();
  if (found.code !== 0 || address === '' || address === 'None') {
    throw new Error(
      `there is no Service ${namespace}/${service} with an address${found.stderr === '' ? '' : `: ${found.stderr.trim()}`}`,
    );
  }
  const server = await listenOutside(clusterLayout(cluster).socket, {
    port: localPort,
    address: () => `${address}:${port}`,
  });
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
