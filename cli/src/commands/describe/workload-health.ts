/** How pods, Deployments, Jobs and claims are, in the same words as our own kinds. */
import type { DeepReadonly, Deployment, Job, PersistentVolumeClaim, Pod } from '@slipway/kube';
import type { Health } from '../../cluster/conditions.ts';
import { isReady } from '../../cluster/pods.ts';

type ContainerStatus = NonNullable<NonNullable<DeepReadonly<Pod>['status']>['containerStatuses']>[number];

/** Reasons for which a container waits that are part of every start. */
const USUAL_WAITS = new Set(['ContainerCreating', 'PodInitializing']);

const well = (reason: string, message = ''): Health => ({ state: 'well', reason, message });
const waiting = (reason: string, message: string): Health => ({ state: 'waiting', reason, message });
const wrong = (reason: string, message: string): Health => ({ state: 'wrong', reason, message });

type PodCheck = (pod: DeepReadonly<Pod>) => Health | undefined;

/** The first that has something to say is how the pod is. */
const POD_CHECKS: readonly PodCheck[] = [
  ({ metadata }) => (metadata.deletionTimestamp === undefined ? undefined : waiting('Terminating', 'It is ending.')),
  ({ status }) => (status?.phase === 'Succeeded' ? well('Succeeded') : undefined),
  (pod) => (isReady(pod) ? well('Ready') : undefined),
  ({ status }) =>
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
      .map((container) => containerEnd(container) ?? containerWait(container))
      .find((trouble) => trouble !== undefined),
  ({ status }) =>
    status?.phase === 'Failed'
      ? wrong(status.reason ?? 'PodFailed', status.message ?? 'It failed, and says no reason.')
      : undefined,
  ({ status }) => {
    const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
    return scheduled?.status === 'False'
      ? waiting('Unschedulable', scheduled.message ?? 'No node takes it.')
      : undefined;
  },
];

export function podHealth(pod: DeepReadonly<Pod>): Health {
  for (const check of POD_CHECKS) {
    const health = check(pod);
    if (health !== undefined) return health;
  }
  return waiting('Starting', 'It is starting.');
}

/** How a container ended badly; the end before counts as well, because a crash loop tells the reason only there. */
function containerEnd({ name, state, lastState }: ContainerStatus): Health | undefined {
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended === undefined || ended.exitCode === 0) return undefined;
  const words = (ended.message ?? '').trim();
  const last = words === '' ? '' : `: ${lastLine(words)}`;
  return wrong(ended.reason ?? 'Error', `Container "${name}" ended with exit code ${ended.exitCode}${last}`);
}

function containerWait({ name, state }: ContainerStatus): Health | undefined {
  const { reason, message = '' } = state?.waiting ?? {};
  if (reason === undefined || USUAL_WAITS.has(reason)) return undefined;
  return wrong(reason, `Container "${name}" waits (${reason}). ${message}`.trim());
}

/** The last line of a log; of one in JSON what it says, and of a result of batch-runtime its reason. */
function lastLine(words: string): string {
  const line = words.split('\n').at(-1) ?? '';
  const entry = parseObject(line);
  const parts = [entry?.reason, entry?.msg ?? entry?.message, entry?.err?.message];
  const said = parts.filter((part) => typeof part === 'string');
  return said.length === 0 ? line : said.join(': ');
}

interface LogEntry {
  readonly reason?: unknown;
  readonly msg?: unknown;
  readonly message?: unknown;
  readonly err?: { readonly message?: unknown };
}

function parseObject(line: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as LogEntry;
  } catch {
    return undefined;
  }
}

export function deploymentHealth({ spec, status }: DeepReadonly<Deployment>): Health {
  const wanted = spec?.replicas ?? 1;
  const ready = status?.readyReplicas ?? 0;
  const refused = status?.conditions?.find(({ type, status: is }) => type === 'ReplicaFailure' && is === 'True');
  if (refused !== undefined) return wrong('PodRefused', refused.message ?? 'Its pods are refused.');
  const counts = `${ready} of ${wanted} pods ready`;
  return ready >= wanted ? well('Available', counts) : waiting('PodsStarting', counts);
}

export function jobHealth({ status }: DeepReadonly<Job>): Health {
  const ended = status?.conditions?.find(({ type, status: is }) => is === 'True' && /^(Failed|Complete)$/.test(type));
  if (ended?.type === 'Complete') return well('Complete');
  if (ended !== undefined) return wrong(ended.reason ?? 'JobFailed', ended.message ?? 'It failed.');
  return waiting('Running', `Pods that run: ${status?.active ?? 0}. Pods that failed: ${status?.failed ?? 0}.`);
}

export function claimHealth({ status }: DeepReadonly<PersistentVolumeClaim>): Health {
  if (status?.phase === 'Bound') return well('Bound');
  if (status?.phase === 'Lost') return wrong('ClaimLost', 'The volume behind it is gone.');
  return waiting('ClaimPending', 'It has no volume yet.');
}
