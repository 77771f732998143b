/** What the API server asks a kubelet for when somebody reads a log. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { builtin } from '@slipway/kube';
import type { KubeClient } from '@slipway/kube';
import { issueCertificate } from '../../../hack/kube/certificates.ts';
import type { ControlPlane } from '../control-plane.ts';

export const NODE = 'node-1';
const MANAGER = { fieldManager: 'kubelet' };

/** `log` gives what a container has said, by pod, container and whether it is the end before that is asked for. */
export async function startKubeletLogs(
  { plane, client }: { readonly plane: ControlPlane; readonly client: KubeClient },
  log: (pod: string, container: string, previous: boolean) => string,
): Promise<{ stop(): void }> {
  issueCertificate(plane.folder, { name: 'kubelet', commonName: NODE, alternativeNames: ['IP:127.0.0.1'] });
  const read = (name: string) => readFileSync(join(plane.folder, name));
  const server = createServer({ cert: read('kubelet.crt'), key: read('kubelet.key') }, (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', 'https://kubelet');
    const [, , , pod = '', container = ''] = pathname.split('/');
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.end(log(pod, container, searchParams.get('previous') === 'true'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await client.create(builtin.Node, { apiVersion: 'v1', kind: 'Node', metadata: { name: NODE } }, MANAGER);
  const status = {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  };
  await client.mergePatch(builtin.Node, { name: NODE }, { status }, { ...MANAGER, subresource: 'status' });
  return {
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
