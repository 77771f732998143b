/** A control plane with our CRDs, the operator as a process of its own, and a stand-in for the nodes. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createKubeClient, ignoreNotFound, loadKubeConfig, realClock } from '@slipway/kube';
import type { KubeClient, KubeKind, KubeObject, Logger, ObjectKey } from '@slipway/kube';
import { Registry } from 'prom-client';
import { accessAtPodsRules, gatewayApiRules, operatorRules } from '../../../operator/src/index.ts';
import { startControlPlane } from '../control-plane.ts';
import type { ControlPlane } from '../control-plane.ts';
import { announceGateway, startGateway } from '../running-gateway.ts';
import type { RunningGateway } from '../running-gateway.ts';
import { startKubelet } from './kubelet.ts';
import type { Kubelet, PodScript } from './kubelet.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');

export interface OperatorProcess {
  readonly process: ChildProcess;
  /** Its exit code, once it has ended. */
  readonly ended: Promise<number | null>;
  /** What it wrote so far. */
  output(): string;
  /** Resolves when its caches are filled and its controllers work. */
  working(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL, as a node that loses its power would. */
  kill(): Promise<void>;
}

export interface Harness {
  readonly plane: ControlPlane;
  readonly client: KubeClient;
  readonly kubelet: Kubelet;
  readonly gateway: RunningGateway;
  /** Every one that was started. */
  readonly operators: readonly OperatorProcess[];
  /** Further variables go over the defaults; `program` is what Node starts, the sources if nothing is said. */
  startOperator(environment?: Readonly<Record<string, string>>, program?: readonly string[]): OperatorProcess;
  /** Applies objects as a person would. */
  apply(...objects: readonly object[]): Promise<void>;
  get<T extends KubeObject>(kind: KubeKind<T>, key: ObjectKey): Promise<T | undefined>;
  stop(): Promise<void>;
}

interface Values {
  /** They are made, too. */
  readonly namespaces?: readonly string[];
  readonly gatewayApi?: boolean;
  readonly accessAtPods?: boolean;
}

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

/** What the chart calls its policy about signatures, in a release of the name slipway. */
export const SIGNING_POLICY = 'slipway-signatures';

/** The rights are those that the chart gives with the values of these names. */
export async function startHarness(script: PodScript, values: Values = {}): Promise<Harness> {
  const plane = await startControlPlane({ controllerManager: true });
  const kubeConfig = loadKubeConfig(plane.kubeconfigPath);
  const client = createKubeClient({
    kubeConfig,
    userAgent: 'slipway-test',
    registry: new Registry(),
    clock: realClock,
    log: silent,
  });
  await applyYaml(plane, ['apply', '--server-side', '-f', join(ROOT, 'crds', 'generated')]);
  await applyYaml(plane, [
    'wait',
    '--for=condition=Established',
    '--timeout=60s',
    '-f',
    join(ROOT, 'crds', 'generated'),
  ]);
  const operatorConfig = await giveRights(plane, values);
  const gateway = await startGateway(plane.kubeconfigPath, ['--service-account=default/slipway-gateway']);
  const gatewayEnvironment = await announceGateway(plane, gateway, 'default');
  const kubelet = await startKubelet({ client, log: silent }, script);
  const operators: OperatorProcess[] = [];
  return {
    plane,
    client,
    kubelet,
    gateway,
    operators,
    startOperator(environment = {}, program = [join(ROOT, 'operator', 'src', 'main.ts')]) {
      const own = { KUBECONFIG: operatorConfig, ...gatewayEnvironment, ...environment };
      const operator = spawnOperator(plane, own, program);
      operators.push(operator);
      return operator;
    },
    apply: (...objects) =>
      applyYaml(plane, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })),
    get: (kind, key) => ignoreNotFound(client.get(kind, key)),
    stop: async () => {
      await Promise.all(operators.map((operator) => operator.kill()));
      gateway.process.kill('SIGKILL');
      await kubelet.stop();
      await client.close();
      await plane.stop();
    },
  };
}

let started = 0;

function spawnOperator(
  plane: ControlPlane,
  environment: Readonly<Record<string, string>>,
  program: readonly string[],
): OperatorProcess {
  started += 1;
  const logPath = join(plane.folder, `operator-${started}.log`);
  const log = openSync(logPath, 'a');
  const child = spawn(process.execPath, program, {
    stdio: ['ignore', log, log],
    env: {
      ...process.env,
      SLIPWAY_SERVING_RUNTIME_IMAGE: 'slipway/serving-runtime:test',
      SLIPWAY_BATCH_RUNTIME_IMAGE: 'slipway/batch-runtime:test',
      SLIPWAY_LEADER_ELECTION: 'Disabled',
      SLIPWAY_HEALTH_PORT: '0',
      SLIPWAY_METRICS_PORT: '0',
      SLIPWAY_LOG_LEVEL_PORT: '0',
      SLIPWAY_DRAIN_SECONDS: '2',
      ...environment,
    },
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  return {
    process: child,
    ended,
    output: () => readFileSync(logPath, 'utf8'),
    working: async () => {
      await eventually('the operator works', async () => readFileSync(logPath, 'utf8').includes('"msg":"working"'));
    },
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
    kill: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const signingRule = {
  apiGroups: ['admissionregistration.k8s.io'],
  resources: ['validatingadmissionpolicies', 'validatingadmissionpolicybindings'],
  resourceNames: [SIGNING_POLICY],
  verbs: ['get', 'list', 'watch'],
};

/** The rights that the chart gives, and no more: a rule that is missing fails a test. Returns the path of a kubeconfig. */
async function giveRights(
  plane: ControlPlane,
  { namespaces, gatewayApi = false, accessAtPods = false }: Values,
): Promise<string> {
  const rules = [...operatorRules, ...(gatewayApi ? gatewayApiRules : []), ...(accessAtPods ? accessAtPodsRules : [])];
  const rbac = (kind: string, name: string, more: object, namespace = 'default') => ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: { name, ...(kind.startsWith('Cluster') ? {} : { namespace }) },
    ...more,
  });
  const subjects = [{ kind: 'ServiceAccount', name: 'slipway', namespace: 'default' }];
  const roleRef = (kind: string, name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name });
  const leases = {
    apiGroups: ['coordination.k8s.io'],
    resources: ['leases'],
    verbs: ['get', 'create', 'update', 'patch'],
  };
  const gateways = { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] };
  const items = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'slipway', namespace: 'default' } },
    ...(namespaces === undefined
      ? [
          rbac('ClusterRole', 'slipway', { rules: [...rules, signingRule] }),
          rbac('ClusterRoleBinding', 'slipway', { roleRef: roleRef('ClusterRole', 'slipway'), subjects }),
        ]
      : namespaces.flatMap((namespace) => [
          { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } },
          rbac('Role', 'slipway', { rules }, namespace),
          rbac('RoleBinding', 'slipway', { roleRef: roleRef('Role', 'slipway'), subjects }, namespace),
        ])),
    rbac('Role', 'slipway-own', { rules: [leases, gateways] }),
    rbac('RoleBinding', 'slipway-own', { roleRef: roleRef('Role', 'slipway-own'), subjects }),
  ];
  await applyYaml(plane, ['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  const { stdout: token } = await plane.kubectl(['create', 'token', 'slipway', '-n', 'default', '--duration=24h']);
  const path = join(plane.folder, 'operator.kubeconfig');
  const named = (name: string, more: object) => ({ name, ...more });
  writeFileSync(
    path,
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'test',
      clusters: [
        named('test', { cluster: { server: plane.url, 'certificate-authority': join(plane.folder, 'ca.crt') } }),
      ],
      users: [named('slipway', { user: { token: token.trim() } })],
      contexts: [named('test', { context: { cluster: 'test', user: 'slipway' } })],
    }),
  );
  return path;
}

async function applyYaml(plane: ControlPlane, args: readonly string[], stdin?: string): Promise<void> {
  const { code, stderr } = await plane.kubectl(args, stdin);
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
}

/** Polls until `look` gives something; fails with what it saw last. */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  seconds = 30,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline) throw new Error(`${what}: not so after ${seconds} s`);
    await sleep(100);
  }
}
