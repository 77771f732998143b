/** A gateway as a process of its own, beside a control plane; and what makes an operator find it. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ControlPlane } from './control-plane.ts';

const SOURCES = join(import.meta.dirname, '..', '..', 'gateway', 'src', 'main.ts');

export interface RunningGateway {
  readonly process: ChildProcess;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
  readonly ports: { readonly data: number; readonly admin: number };
}

/** An address of this machine: the API server takes none of the loopback as an endpoint. */
export function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((each) => each?.family === 'IPv4' && !each.internal);
  if (found === undefined) throw new Error('this machine has no address but the loopback');
  return found.address;
}

/** Resolves when it listens. */
export async function startGateway(kubeconfig: string, more: readonly string[] = []): Promise<RunningGateway> {
  const flags = ['--port=0', '--admin-port=0', '--drain-seconds=1', ...more];
  const child = spawn(process.execPath, [SOURCES, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, KUBECONFIG: kubeconfig },
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const ports = new Promise<RunningGateway['ports']>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the gateway ended with code ${code}`)));
    createInterface(child.stdout).on('line', (line) => {
      const entry = JSON.parse(line) as { msg: string; ports: RunningGateway['ports'] };
      if (entry.msg === 'listening') resolve(entry.ports);
    });
  });
  return { process: child, ended, ports: await ports };
}

const SERVICE = 'slipway-gateway';

/** The gateways' Service with this one behind it. Returns what the operator's environment has to say of it. */
export async function announceGateway(
  plane: ControlPlane,
  { ports }: RunningGateway,
  namespace: string,
): Promise<Readonly<Record<string, string>>> {
  const metadata = { name: SERVICE, namespace };
  const items = [
    { apiVersion: 'v1', kind: 'Service', metadata, spec: { ports: [{ name: 'http', port: 80 }] } },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { ...metadata, labels: { 'kubernetes.io/service-name': SERVICE } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: ports.data }],
      endpoints: [{ addresses: [ownAddress()], conditions: { ready: true, serving: true, terminating: false } }],
    },
  ];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  const { code, stderr } = await plane.kubectl(['apply', '-f', '-'], list);
  if (code !== 0) throw new Error(stderr);
  return {
    SLIPWAY_GATEWAY_SERVICE: SERVICE,
    SLIPWAY_GATEWAY_NAMESPACE: namespace,
    SLIPWAY_GATEWAY_ADMIN_PORT: String(ports.admin),
  };
}
