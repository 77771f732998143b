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

export function podHealth(pod: DeepReadonly<Pod>): Health {
  const { phase } = pod.status ?? {};
  if (pod.metadata.deletionTimestamp !== undefined) return waiting('Terminating', 'It is ending.');
  if (phase === 'Succeeded') return well('Succeeded');
  if (isReady(pod)) return well('Ready');
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const trouble = statuses.map(containerTrouble).find((found) => found !== undefined);
  if (trouble !== undefined) return trouble;
  if (phase === 'Failed') return wrong(pod.status?.reason ?? 'PodFailed', pod.status?.message ?? 'It says no reason.');
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status === 'False') return waiting('Unschedulable', scheduled.message ?? 'No node takes it.');
  return waiting('Starting', 'It is starting.');
}

/** Why a container does not run; the end before counts as well, because a crash loop tells the reason only there. */
function containerTrouble({ name, state, lastState }: ContainerStatus): Health | undefined {
  const ended = state?.terminated ?? lastState?.terminated;
  if (ended !== undefined && ended.exitCode !== 0) {
    const words = (ended.message ?? '').trim();
    const last = words === '' ? '' : `: ${lastLine(words)}`;
    return wrong(ended.reason ?? 'Error', `Container "${name}" ended with exit code ${ended.exitCode}${last}`);
  }
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
