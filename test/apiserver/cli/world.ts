/** A control plane with objects as the operator would leave them, and the command as a process of its own. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtin, createKubeClient, loadKubeConfig, realClock } from '@slipway/kube';
import type { KubeClient, KubeKind, Logger, ObjectKey } from '@slipway/kube';
import { Registry } from 'prom-client';
import { kinds } from '../../../operator/src/kinds.ts';
import { startControlPlane } from '../control-plane.ts';
import type { ControlPlane } from '../control-plane.ts';
import { NODE } from './kubelet-logs.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const MAIN = join(ROOT, 'cli', 'src', 'main.ts');
const MANAGER = { fieldManager: 'operator' };
const apiVersion = 'slipway.dev/v1alpha1';

export const NAMESPACE = 'team';

export interface Result {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  /** Runs `slipway`; without a terminal, as administrator, in the namespace of the tests. */
  slipway(
    args: readonly string[],
    options?: { readonly input?: string; readonly kubeconfig?: string },
  ): Promise<Result>;
  /** Creates an object of ours; with a status where the kind has one. */
  add(kind: keyof typeof kinds, name: string, body: { readonly spec: object; readonly status?: object }): Promise<void>;
  /** Creates a pod on the node of the tests, with a status. */
  addPod(name: string, body: PodBody): Promise<void>;
  /** Creates a namespace in which pods can be made. */
  addNamespace(name: string): Promise<void>;
  /** Credentials of a new service account of the namespace of the tests, which has these rights. */
  kubeconfigFor(account: string, rights: readonly Right[]): Promise<string>;
  stop(): Promise<void>;
}

export interface PodBody {
  /** Default: that of the tests. */
  readonly namespace?: string;
  readonly labels: object;
  readonly spec: object;
  readonly status: object;
}

/** In one namespace. */
export interface Right {
  readonly namespace: string;
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

export async function startWorld(): Promise<World> {
  const plane = await startControlPlane();
  const client = createKubeClient({
    kubeConfig: loadKubeConfig(plane.kubeconfigPath),
    userAgent: 'slipway-test',
    registry: new Registry(),
    clock: realClock,
    log: silent,
  });
  const crds = join(ROOT, 'crds', 'generated');
  await must(plane.kubectl(['apply', '--server-side', '-f', crds]));
  await must(plane.kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', crds]));
  const addNamespace = async (name: string) => {
    await must(plane.kubectl(['create', 'namespace', name]));
    await must(plane.kubectl(['create', 'serviceaccount', 'default', '-n', name]));
  };
  await addNamespace(NAMESPACE);

  async function create(kind: KubeKind, object: object, status: object | undefined): Promise<void> {
    const { metadata } = await client.create(kind, object as never, MANAGER);
    if (status === undefined) return;
    const key: ObjectKey = { namespace: metadata.namespace ?? '', name: metadata.name };
    await client.mergePatch(kind, key, { status }, { ...MANAGER, subresource: 'status' });
  }

  return {
    plane,
    client,
    slipway: (args, { input = '', kubeconfig = plane.kubeconfigPath } = {}) =>
      runSlipway(['-n', NAMESPACE, ...args], { input, kubeconfig }),
    add: (kind, name, { spec, status }) =>
      create(kinds[kind], { apiVersion, kind, metadata: { name, namespace: NAMESPACE }, spec }, status),
    addNamespace,
    kubeconfigFor: (account, rights) => kubeconfigFor(plane, account, rights),
    addPod: (name, { namespace = NAMESPACE, labels, spec, status }) =>
      create(
        builtin.Pod,
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name, namespace, labels },
          spec: { nodeName: NODE, automountServiceAccountToken: false, ...spec },
        },
        status,
      ),
    stop: async () => {
      await client.close();
      await plane.stop();
    },
  };
}

/** Credentials of a new service account of the namespace of the tests, which has these rights. */
export async function kubeconfigFor(plane: ControlPlane, account: string, rights: readonly Right[]): Promise<string> {
  await must(plane.kubectl(['create', 'serviceaccount', account, '-n', NAMESPACE]));
  const group = 'rbac.authorization.k8s.io';
  const items = rights.flatMap(({ namespace, ...rule }, index) => {
    const metadata = { name: `${account}-${index}`, namespace };
    const roleRef = { apiGroup: group, kind: 'Role', name: metadata.name };
    const subjects = [{ kind: 'ServiceAccount', name: account, namespace: NAMESPACE }];
    return [
      { apiVersion: `${group}/v1`, kind: 'Role', metadata, rules: [rule] },
      { apiVersion: `${group}/v1`, kind: 'RoleBinding', metadata, roleRef, subjects },
    ];
  });
  for (const item of items) await must(plane.kubectl(['apply', '-f', '-'], JSON.stringify(item)));
  const { stdout: token } = await plane.kubectl(['create', 'token', account, '-n', NAMESPACE]);
  const path = join(plane.folder, `${account}.kubeconfig`);
  const cluster = { server: plane.url, 'certificate-authority': join(plane.folder, 'ca.crt') };
  const config = {
    'current-context': account,
    clusters: [{ name: 'test', cluster }],
    users: [{ name: account, user: { token: token.trim() } }],
    contexts: [{ name: account, context: { cluster: 'test', user: account } }],
  };
  writeFileSync(path, JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...config }));
  return path;
}

async function must(result: Promise<{ readonly code: number; readonly stderr: string }>): Promise<void> {
  const { code, stderr } = await result;
  if (code !== 0) throw new Error(stderr);
}

/** As a process of its own, without a terminal. */
export function runSlipway(
  args: readonly string[],
  { input, kubeconfig }: { readonly input: string; readonly kubeconfig: string },
): Promise<Result> {
  const { FORCE_COLOR: _, ...env } = process.env;
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...args], { env: { ...env, KUBECONFIG: kubeconfig } });
    const chunks = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk: Buffer) => (chunks.stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (chunks.stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, ...chunks }));
    child.stdin.end(input);
  });
}

/** What the operator writes about the generation that an object is made with. */
export function conditions(
  ...list: readonly (readonly [type: string, status: string, reason: string, message?: string])[]
) {
  return {
    observedGeneration: 1,
    conditions: list.map(([type, status, reason, message = `${reason}.`]) => ({
      type,
      status,
      reason,
      message,
      lastTransitionTime: new Date().toISOString().replace(/\.\d+Z$/, 'Z'),
    })),
  };
}

/** The model of examples/serve-onnx: 3.00 + 1.75 per mile + 0.35 per minute. */
export function fareModel(): Buffer {
  const yaml = readFileSync(join(ROOT, 'examples', 'serve-onnx', '2-model-file.yaml'), 'utf8');
  return Buffer.from(/model\.onnx: (\S+)/.exec(yaml)?.[1] ?? '', 'base64');
}
