/** The Job controller and the kubelet of Kubernetes: a Job, its one pod, and what that pod says at its end. */
import type { Job, KubeObject, Pod } from '@slipway/kube';
import { NAMESPACE } from '../../operator/src/testing/fixtures.ts';
import { apply, objectsOfKind, without, withStatus } from './api-model.ts';
import type { Objects, ServerContext } from './api-model.ts';
import type { WorldStep } from './scenario.ts';

/** What becomes of the pod of a Job: it says something and ends, or runs for ever. */
export type JobFate = { readonly exitCode: 0 | 3; readonly container: string; readonly message: string } | 'hangs';

/** A batch container that ends well with this result. */
export function endsWith(result: object, container = 'batch'): JobFate {
  return { exitCode: 0, container, message: JSON.stringify({ ok: true, ...result }) };
}

/** A container that says what a person has to put right. */
export function failsWith(reason: string, container = 'batch'): JobFate {
  return { exitCode: 3, container, message: JSON.stringify({ ok: false, reason, message: 'It cannot be done.' }) };
}

export type FateOfJob = (job: Job) => JobFate;

export function jobSteps(api: Objects, server: ServerContext, fateOf: FateOfJob): WorldStep[] {
  const jobs = objectsOfKind<Job>(api, 'Job').filter((job) => !hasEnded(job));
  return jobs.flatMap((job) => {
    const pod = api.get(podId(job))?.content.object as Pod | undefined;
    if (pod === undefined) return job.spec?.suspend === true ? [] : [podRuns(api, job, server)];
    if (pod.metadata.ownerReferences?.[0]?.uid !== job.metadata.uid) return []; // it is collected first
    return pod.status?.phase === 'Running' ? runningPodSteps(api, job, fateOf(job)) : [jobEnds(api, job, pod)];
  });
}

function runningPodSteps(api: Objects, job: Job, fate: JobFate): WorldStep[] {
  if (job.spec?.suspend === true) return [podGoes(api, job)];
  return [...(fate === 'hangs' ? [] : [podEnds(api, job, fate)]), evicted(api, job)];
}

export function hasEnded({ status }: Pick<Job, 'status'>): boolean {
  return (status?.conditions ?? []).some(({ type }) => type === 'Complete' || type === 'Failed');
}

function podId({ metadata }: Job): string {
  return `Pod/${metadata.name}-pod`;
}

function podRuns(api: Objects, job: Job, server: ServerContext): WorldStep {
  const act = () => withStatus(apply(api, podOf(job), server, 'kubernetes'), podId(job), { phase: 'Running' });
  return { words: `the pod of ${job.metadata.name} runs`, act };
}

function podOf(job: Job): KubeObject {
  const { name, uid = '' } = job.metadata;
  const metadata = {
    name: `${name}-pod`,
    namespace: NAMESPACE,
    annotations: { 'batch.kubernetes.io/job-completion-index': '0' },
    ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true }],
  };
  return { apiVersion: 'v1', kind: 'Pod', metadata };
}

function podGoes(api: Objects, job: Job): WorldStep {
  return { words: `the pod of ${job.metadata.name} is stopped`, act: () => without(api, [podId(job)]) };
}

function podEnds(api: Objects, job: Job, { exitCode, container, message }: Exclude<JobFate, 'hangs'>): WorldStep {
  const reason = exitCode === 0 ? 'Completed' : 'Error';
  const status = {
    phase: exitCode === 0 ? 'Succeeded' : 'Failed',
    containerStatuses: [{ name: container, state: { terminated: { exitCode, reason, message } } }],
  };
  const how = exitCode === 0 ? 'well' : 'badly';
  return { words: `the pod of ${job.metadata.name} ends ${how}`, act: () => withStatus(api, podId(job), status) };
}

const EVICTED = { phase: 'Failed', conditions: [{ type: 'DisruptionTarget', status: 'True' }] };

/** It ends the Job where its policy says so; otherwise another pod takes its place. */
function evicted(api: Objects, job: Job): WorldStep {
  const act = () => (endsIfEvicted(job) ? withStatus(api, podId(job), EVICTED) : without(api, [podId(job)]));
  return { words: `the pod of ${job.metadata.name} is evicted`, act, isMishap: true };
}

function endsIfEvicted({ spec }: Job): boolean {
  const rules = spec?.podFailurePolicy?.rules ?? [];
  return rules.some(
    ({ action, onPodConditions = [] }) =>
      action === 'FailJob' && onPodConditions.some(({ type }) => type === 'DisruptionTarget'),
  );
}

/** Moves the version of the Job, on which the marks of a published version insist. */
function jobEnds(api: Objects, job: Job, { status }: Pod): WorldStep {
  const isEvicted = status?.conditions?.some(({ type }) => type === 'DisruptionTarget') ?? false;
  const type = status?.phase === 'Succeeded' ? 'Complete' : 'Failed';
  const reason = isEvicted ? 'PodFailurePolicy' : type;
  const conditions = [{ type, status: 'True', reason }];
  return {
    words: `Job ${job.metadata.name} is ${type}`,
    act: () => withStatus(api, `Job/${job.metadata.name}`, { conditions }),
    interferes: true,
  };
}
