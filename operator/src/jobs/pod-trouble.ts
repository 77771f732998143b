/** What is wrong with a pod, in words for a person: from its status alone, so that it clears itself when the pod is well. */
import { BatchFailure } from '@slipway/crds/batch';
import type { DeepReadonly, Pod } from '@slipway/kube';
import { parseJson } from '../parse-json.ts';
import { nameStorePaths } from './name-store-paths.ts';

export interface Trouble {
  /** PascalCase; becomes a condition reason. */
  readonly reason: string;
  readonly message: string;
}

export type ContainerStatus = NonNullable<NonNullable<DeepReadonly<Pod>['status']>['containerStatuses']>[number];
export type Terminated = NonNullable<NonNullable<ContainerStatus['state']>['terminated']>;

const IMAGE_REASONS = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
]);

/** Why a pod does not run yet: no node, no volume, no image, a container that cannot be made. undefined: it just starts. */
export function pendingTrouble(pod: DeepReadonly<Pod>, mountFailure?: string): Trouble | undefined {
  return unscheduled(pod) ?? containerWaits(pod) ?? volumeWaits(pod, mountFailure);
}

function unscheduled(pod: DeepReadonly<Pod>): Trouble | undefined {
  const scheduled = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled');
  if (scheduled?.status !== 'False' || scheduled.reason === 'SchedulingGated') return undefined;
  const words = cleanWords((scheduled.message ?? '').replace(/\s*preemption:.*$/s, ''));
  if (/persistentvolumeclaim|volume/i.test(words)) {
    return { reason: 'VolumeNotReady', message: `The pod waits for its volume: ${words}` };
  }
  return {
    reason: 'Unschedulable',
    message: `No node takes the pod: ${words} Lower its requests, or add nodes.`,
  };
}

function containerWaits(pod: DeepReadonly<Pod>): Trouble | undefined {
  for (const status of allStatuses(pod)) {
    const waiting = status.state?.waiting;
    if (waiting?.reason === undefined) continue;
    if (IMAGE_REASONS.has(waiting.reason)) return imageTrouble(pod, status, waiting.message ?? '');
    if (waiting.reason.startsWith('CreateContainer') || waiting.reason === 'RunContainerError') {
      return notCreated(status.name, waiting.message ?? waiting.reason);
    }
  }
  return undefined;
}

/** How container runtimes name a process that could not even begin. */
const NOT_STARTED = new Set(['StartError', 'ContainerCannotRun']);

/** What a runtime says about itself before it comes to the point. */
const RUNTIME_PREFIX = /^.*unable to start container process: /s;

function notCreated(container: string, words: string): Trouble {
  const point = words.replace(RUNTIME_PREFIX, '').replace(/: unknown$/, '');
  return { reason: 'ContainerNotCreated', message: `Container "${container}" cannot be started: ${cleanWords(point)}` };
}

function imageTrouble(pod: DeepReadonly<Pod>, status: ContainerStatus, words: string): Trouble {
  const image = containerOf(pod, status.name)?.image ?? status.image;
  const cause = cleanWords(
    words
      .replace(/^Back-off pulling image "[^"]*":?\s*/, '')
      .replace(/^\w+:\s*rpc error: code = \w+ desc = /, '')
      .replace(/^rpc error: code = \w+ desc = /, '')
      .replace(/^ErrImagePull:\s*/, ''),
  );
  const because = cause === '' ? '' : `: ${cause}`;
  return {
    reason: 'ImagePullFailed',
    message: `Image "${image}" of container "${status.name}" cannot be pulled${because} Check its name and tag, and that the nodes may pull it.`,
  };
}

function volumeWaits(pod: DeepReadonly<Pod>, mountFailure: string | undefined): Trouble | undefined {
  if (mountFailure === undefined || pod.status?.phase !== 'Pending') return undefined;
  return { reason: 'VolumeNotReady', message: `A volume of the pod cannot be mounted: ${cleanWords(mountFailure)}` };
}

/** Why containers of a pod ended badly; the first in the order init containers, containers. `who` names the pod in the message. */
export function failedTrouble(pod: DeepReadonly<Pod>, who: string): Trouble | undefined {
  for (const status of allStatuses(pod)) {
    const ended = status.state?.terminated;
    if (ended !== undefined && ended.exitCode !== 0) return containerFailure(pod, status.name, ended, who);
  }
  return podFailure(pod, who);
}

/** Eviction, a node that is gone, a deadline: ends that no container tells of. */
function podFailure(pod: DeepReadonly<Pod>, who: string): Trouble | undefined {
  if (pod.status?.phase !== 'Failed') return undefined;
  const disrupted = pod.status.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  const reason = pod.status.reason ?? disrupted?.reason;
  const words = cleanWords(pod.status.message ?? disrupted?.message ?? '');
  if (reason === 'DeadlineExceeded') return { reason, message: `${who} ran longer than its limit. ${words}`.trim() };
  if (reason === undefined) return { reason: 'PodFailed', message: `${who} failed. ${words}`.trim() };
  return { reason: 'Evicted', message: `${who} was ended by the cluster (${reason}). ${words}`.trim() };
}

/** Words for one container that ended: its own failure result, out of memory with the limit, or exit code and last words. */
export function containerFailure(pod: DeepReadonly<Pod>, container: string, ended: Terminated, who: string): Trouble {
  const own = batchFailure(ended.message);
  if (own !== undefined) return { reason: own.reason, message: own.message };
  if (ended.reason === 'OOMKilled') return outOfMemory(pod, container, who);
  const evicted = podFailure(pod, who);
  if (evicted !== undefined && evicted.reason !== 'PodFailed') return evicted;
  if (ended.reason !== undefined && NOT_STARTED.has(ended.reason)) return notCreated(container, ended.message ?? '');
  const words = lastWords(ended.message);
  return {
    reason: 'ContainerFailed',
    message: `Container "${container}" of ${lowerFirst(who)} ended with exit code ${ended.exitCode}${words === '' ? '; it left no message.' : `: ${withFullStop(words)}`}`,
  };
}

function outOfMemory(pod: DeepReadonly<Pod>, container: string, who: string): Trouble {
  const limit = containerOf(pod, container)?.resources?.limits?.['memory'];
  const bound = limit === undefined ? 'the memory of its node' : `its limit of ${limit}`;
  return {
    reason: 'OOMKilled',
    message: `Container "${container}" of ${lowerFirst(who)} used more memory than ${bound}. Raise resources.limits.memory.`,
  };
}

export function batchFailure(message: string | undefined): BatchFailure | undefined {
  const parsed = BatchFailure.safeParse(parseJson(message));
  return parsed.success ? { ...parsed.data, message: withFullStop(nameStorePaths(parsed.data.message)) } : undefined;
}

/** Init containers first, in the order of the spec, so that the answer never flaps. */
export function allStatuses(pod: DeepReadonly<Pod>): readonly ContainerStatus[] {
  const order = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].map(({ name }) => name);
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return statuses.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
}

function containerOf(pod: DeepReadonly<Pod>, name: string) {
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])].find((one) => one.name === name);
}

/** The end of a message: programs say last why they died. At most 300 characters. */
export function lastWords(message: string | undefined): string {
  const lines = (message ?? '')
    .split('\n')
    .map((line) => nameStorePaths(plainLine(line.trim())))
    .filter((line) => line !== '');
  let words = '';
  for (const line of lines.toReversed()) {
    if (words !== '' && words.length + line.length > 300) break;
    words = words === '' ? line.slice(0, 300) : `${line} | ${words}`;
  }
  return words;
}

/** What a line of a JSON log says, without its time, which would make every crash a new message. */
function plainLine(line: string): string {
  if (!line.startsWith('{')) return line;
  const entry = parseJson(line) as { msg?: unknown; message?: unknown; err?: { message?: unknown } } | undefined;
  const parts = [entry?.msg ?? entry?.message, entry?.err?.message].filter((part) => typeof part === 'string');
  return parts.length === 0 ? line : parts.join(': ');
}

/** A sentence of Kubernetes without what differs from pod to pod, because a condition's message must stay the same. */
export function cleanWords(words: string): string {
  const clean = nameStorePaths(words)
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '…')
    .replace(/\b[0-9]{1,3}(\.[0-9]{1,3}){3}(:[0-9]+)?(->[0-9.:]+)?/g, '…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 500);
  return withFullStop(clean);
}

/** More sentences follow: what to do about it. */
function withFullStop(words: string): string {
  return words === '' || /[.!?…]$/.test(words) ? words : `${words}.`;
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
