/** Traefik as a controller of the Gateway API, beside a control plane. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { binaryAtHand, findBinaries } from '../../../hack/kube/binaries.ts';
import type { ControlPlane } from '../control-plane.ts';
import { kubectl } from './gateway-api-kinds.ts';
import { freePort } from '../../free-ports.ts';

const apiVersion = 'gateway.networking.k8s.io/v1';

export interface Traefik {
  readonly port: number;
  /** It reads and answers nothing until it is resumed. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** Why it is not tried here; undefined where it is. It is not built for a test: that takes longer than most of the others together. */
export function traefikObstacle(): string | undefined {
  if (binaryAtHand('traefik') !== undefined) return undefined;
  return 'needs Traefik: `npm run bench -- gateway` downloads it or builds it, once';
}

/** Its Gateway is called `public`, in the namespace `infra`, and takes routes of all namespaces. */
export async function startTraefik(plane: ControlPlane): Promise<Traefik> {
  const { traefik } = await findBinaries(['traefik'], { progress: console.error });
  const port = await freePort();
  const items = [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'infra' } },
    {
      apiVersion,
      kind: 'GatewayClass',
      metadata: { name: 'traefik' },
      spec: { controllerName: 'traefik.io/gateway-controller' },
    },
    {
      apiVersion,
      kind: 'Gateway',
      metadata: { name: 'public', namespace: 'infra' },
      spec: {
        gatewayClassName: 'traefik',
        listeners: [{ name: 'web', protocol: 'HTTP', port, allowedRoutes: { namespaces: { from: 'All' } } }],
      },
    },
  ];
  await kubectl(plane, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const log = openSync(join(plane.folder, 'traefik.log'), 'a');
  const flags = [
    `--entryPoints.web.address=127.0.0.1:${port}`,
    '--providers.kubernetesGateway=true',
    '--global.checkNewVersion=false',
    '--log.level=INFO',
  ];
  const child = spawn(traefik, flags, {
    stdio: ['ignore', log, log],
    env: { ...process.env, KUBECONFIG: plane.kubeconfigPath },
  });
  return {
    port,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}
