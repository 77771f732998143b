/** Why pods of a revision do not answer. */
import type { DeepReadonly, Deployment, Pod } from '@slipway/kube';
import { allStatuses, cleanWords, containerFailure, failedTrouble, pendingTrouble } from '../../jobs/pod-trouble.ts';
import type { Trouble } from '../../jobs/pod-trouble.ts';

export interface RevisionPods {
  readonly deployment: DeepReadonly<Deployment> | undefined;
  readonly pods: readonly DeepReadonly<Pod>[];
  readonly mountFailures: ReadonlyMap<string, string>;
}

/** The trouble of the first pod, by name, that has one; then what keeps the Deployment from making pods. */
export function revisionTrouble({ deployment, pods, mountFailures }: RevisionPods): Trouble | undefined {
  const waiting = pods
    .filter((pod) => !isPodReady(pod) && pod.metadata.deletionTimestamp === undefined)
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  for (const pod of waiting) {
    const trouble = podTrouble(pod, mountFailures.get(pod.metadata.uid ?? ''));
    if (trouble !== undefined) return trouble;
  }
  return refusedPods(deployment);
}

export function isPodReady(pod: DeepReadonly<Pod>): boolean {
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return isReady && pod.metadata.deletionTimestamp === undefined;
}

/** The last end of a container counts until the pod is ready, so that a crash loop does not look well between two crashes. */
function podTrouble(pod: DeepReadonly<Pod>, mountFailure: string | undefined): Trouble | undefined {
  for (const status of allStatuses(pod)) {
    const ended = status.state?.terminated ?? status.lastState?.terminated;
    if (ended !== undefined && ended.exitCode !== 0) return containerFailure(pod, status.name, ended, 'The pod');
  }
  return pendingTrouble(pod, mountFailure) ?? failedTrouble(pod, 'The pod');
}

/** A quota, a Pod Security level, a missing service account: the API server's own words. */
function refusedPods(deployment: DeepReadonly<Deployment> | undefined): Trouble | undefined {
  const failure = deployment?.status?.conditions?.find(
    ({ type, status }) => type === 'ReplicaFailure' && status === 'True',
  );
  if (failure === undefined) return undefined;
  const message = failure.message ?? '';
  const words = cleanWords(message.replace(/^pods? "[^"]*" is forbidden: /, ''));
  const reason = /exceeded quota/.test(message) ? 'QuotaExceeded' : 'PodRefused';
  return { reason, message: `The namespace does not accept the pods: ${words}` };
}
