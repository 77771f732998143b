/**
 * Stands in for a node: binds pods to it, gives them the statuses that a kubelet would, as the test's script says, and ends
 * those that are deleted. All of it through the real API.
 */
import {
  builtin,
  createManager,
  defineKind,
  ignoreNotFound,
  keyOf,
  realClock,
  requeueAfter,
  settled,
} from '@slipway/kube';
import type { DeepReadonly, KubeClient, KubeObject, Logger, ObjectKey, Pod } from '@slipway/kube';
import { Registry } from 'prom-client';

/** What becomes of a pod. */
export type PodFate =
  /** It waits, as nothing happened yet. */
  | { readonly kind: 'wait' }
  | { readonly kind: 'waitsFor'; readonly reason: string; readonly message: string; readonly container?: string }
  | { readonly kind: 'unschedulable'; readonly message: string }
  /** `ip`: an address of the test's own. */
  | { readonly kind: 'run'; readonly ready: boolean; readonly ip?: string }
  /** Every container ends well; `message` is the termination message of the first, or of the (init) container that is named. */
  | { readonly kind: 'succeed'; readonly message: string; readonly container?: string }
  /** The container ends badly and the pod with it (restartPolicy Never). */
  | Crash<'fail'>
  /** The container ends badly and waits to be started again (restartPolicy Always); an init container may be named. */
  | Crash<'crashLoop'>;

interface Crash<K extends string> {
  readonly kind: K;
  readonly exitCode: number;
  readonly message?: string;
  readonly reason?: 'OOMKilled' | 'Error';
  readonly container?: string;
}

export type PodScript = (pod: DeepReadonly<Pod>) => PodFate;

export interface Kubelet {
  /** From now on; pods that ended keep their end. */
  follow(script: PodScript): void;
  stop(): Promise<void>;
}

export interface KubeletDeps {
  readonly client: KubeClient;
  readonly log: Logger;
}

const LOOK_AGAIN_MS = 200;
const NODE = { name: 'node-1' };
const MANAGER = { fieldManager: 'kubelet' };

export async function startKubelet({ client, log }: KubeletDeps, first: PodScript): Promise<Kubelet> {
  let script = first;
  const manager = createManager({ client, log, clock: realClock, registry: new Registry() });
  const pods = manager.cache(builtin.Pod);
  manager.addController({
    name: 'kubelet',
    for: pods,
    reconcile: async (key) => {
      const pod = pods.get(key);
      if (pod === undefined) return settled();
      const hasEnded = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
      if (pod.metadata.deletionTimestamp !== undefined) {
        if (!hasEnded) await end(client, key);
        await client.delete(builtin.Pod, key, { uid: pod.metadata.uid ?? '', gracePeriodSeconds: 0 });
        return settled();
      }
      if (hasEnded) return settled();
      const fate = script(pod);
      const marker = JSON.stringify(fate);
      if (pod.metadata.annotations?.['test/fate'] !== marker) await give(client, pod, fate, marker);
      return requeueAfter(LOOK_AGAIN_MS, 'the script may have changed');
    },
  });
  await addNode(client);
  const nodes = manager.cache(builtin.Node);
  manager.addController({
    name: 'heartbeat',
    for: nodes,
    reconcile: async () => {
      const status = { conditions: [{ ...condition('Ready', true, 'KubeletReady'), lastHeartbeatTime: now() }] };
      await client.mergePatch(builtin.Node, NODE, { status }, { ...MANAGER, subresource: 'status' });
      return requeueAfter(10_000, 'heartbeat');
    },
  });
  const stop = new AbortController();
  const finished = manager.run(stop.signal);
  return {
    follow: (next) => void (script = next),
    stop: async () => {
      stop.abort();
      await finished;
    },
  };
}

async function addNode(client: KubeClient): Promise<void> {
  await client.create(builtin.Node, { apiVersion: 'v1', kind: 'Node', metadata: NODE }, MANAGER);
}

/** POST to a subresource of a pod. */
async function post(client: KubeClient, pod: DeepReadonly<Pod>, subresource: string, body: KubeObject): Promise<void> {
  const plural = `pods/${pod.metadata.name}/${subresource}`;
  const kind = defineKind({ group: '', version: 'v1', kind: body.kind, plural, namespaced: true });
  await client.create(kind, body, MANAGER);
}

/** The Job controller keeps a pod that is being deleted until it has ended. */
async function end(client: KubeClient, key: ObjectKey): Promise<void> {
  const status = { phase: 'Failed' };
  await ignoreNotFound(client.mergePatch(builtin.Pod, key, { status }, { ...MANAGER, subresource: 'status' }));
}

async function give(client: KubeClient, pod: DeepReadonly<Pod>, fate: PodFate, marker: string): Promise<void> {
  const key: ObjectKey = keyOf(pod);
  if (pod.spec?.nodeName === undefined && fate.kind !== 'unschedulable' && fate.kind !== 'wait') {
    const body = {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: key,
      target: { apiVersion: 'v1', kind: 'Node', ...NODE },
    };
    await post(client, pod, 'binding', body);
  }
  const status = statusOf(pod, fate);
  if (status !== undefined)
    await client.mergePatch(builtin.Pod, key, { status }, { ...MANAGER, subresource: 'status' });
  const annotations = { 'test/fate': marker };
  await client.mergePatch(builtin.Pod, key, { metadata: { annotations } }, MANAGER);
}

type Named = { readonly name: string };

function statusOf(pod: DeepReadonly<Pod>, fate: PodFate): object | undefined {
  const mains = pod.spec?.containers ?? [];
  if (fate.kind === 'wait') return undefined;
  if (fate.kind === 'run') return runningStatus(pod, fate);
  if (fate.kind === 'unschedulable') {
    return { phase: 'Pending', conditions: [condition('PodScheduled', false, 'Unschedulable', fate.message)] };
  }
  const container = fate.container ?? mains[0]?.name ?? '';
  if (fate.kind === 'waitsFor') {
    const state = { waiting: { reason: fate.reason, message: fate.message } };
    return { phase: 'Pending', ...containers(pod, container, { state }) };
  }
  return fate.kind === 'succeed' ? succeededStatus(pod, container, fate.message) : crashStatus(pod, container, fate);
}

function succeededStatus(pod: DeepReadonly<Pod>, container: string, message: string): object {
  const statuses = (named: readonly Named[] = []) =>
    named.map(({ name }) => containerStatus(name, { terminated: ended(0, name === container ? message : undefined) }));
  return {
    phase: 'Succeeded',
    conditions: [condition('PodScheduled', true), condition('Ready', false, 'PodCompleted')],
    initContainerStatuses: statuses(pod.spec?.initContainers),
    containerStatuses: statuses(pod.spec?.containers),
  };
}

function crashStatus(pod: DeepReadonly<Pod>, container: string, fate: Crash<'fail'> | Crash<'crashLoop'>): object {
  const conditions = [condition('PodScheduled', true), condition('Ready', false)];
  if (fate.kind === 'fail') {
    return { phase: 'Failed', conditions, ...containers(pod, container, { state: { terminated: crashed(fate) } }) };
  }
  const state = { waiting: { reason: 'CrashLoopBackOff', message: 'back-off 10s restarting failed container' } };
  const isInit = pod.spec?.initContainers?.some(({ name }) => name === container) ?? false;
  return {
    phase: isInit ? 'Pending' : 'Running',
    conditions,
    ...containers(pod, container, { state, lastState: { terminated: crashed(fate) }, restartCount: 1 }),
  };
}

function runningStatus(pod: DeepReadonly<Pod>, { ready, ip }: PodFate & { kind: 'run' }): object {
  const inits = pod.spec?.initContainers ?? [];
  const mains = pod.spec?.containers ?? [];
  const octet = (pod.metadata.uid ?? '').split('').reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) % 250, 7) + 1;
  const podIP = ip ?? `10.1.${octet}.${(octet * 7) % 250}`;
  return {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    conditions: ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) =>
      condition(type, ready || type === 'PodScheduled' || type === 'Initialized'),
    ),
    initContainerStatuses: inits.map(({ name }) => containerStatus(name, { terminated: ended(0) }, true)),
    containerStatuses: mains.map(({ name }) => containerStatus(name, { running: { startedAt: now() } }, ready)),
  };
}

function containers(pod: DeepReadonly<Pod>, name: string, detail: object): object {
  const isInit = pod.spec?.initContainers?.some((one) => one.name === name) ?? false;
  const one = { ...containerStatus(name, {}), ...detail };
  return isInit ? { initContainerStatuses: [one] } : { containerStatuses: [one] };
}

function containerStatus(name: string, state: object, ready = false) {
  return { name, image: 'test', imageID: 'test', ready, restartCount: 0, state };
}

function ended(exitCode: number, message?: string): object {
  return {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : 'Error',
    startedAt: now(),
    finishedAt: now(),
    ...(message === undefined ? {} : { message }),
  };
}

function crashed({ exitCode, message, reason }: Crash<string>): object {
  return { ...ended(exitCode, message), reason: reason ?? 'Error' };
}

function condition(type: string, isTrue: boolean, reason?: string, message?: string): object {
  return {
    type,
    status: isTrue ? 'True' : 'False',
    lastTransitionTime: now(),
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

function now(): string {
  return realClock
    .now()
    .toISOString()
    .replace(/\.\d+Z$/, 'Z');
}
