import type { Model, ModelVersion, TrainingJob } from '@slipway/crds';
import { PublishModelResult } from '@slipway/crds/batch';
import type { DeepReadonly, Job, KubeClient, Pod, Service } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { Caches } from '../../deps.ts';
import { findStore } from '../../jobs/find-store.ts';
import type { FoundStore } from '../../jobs/find-store.ts';
import { mountFailuresOf, newestMessage, observeJob } from '../../jobs/observe-job.ts';
import type { ObservedJob } from '../../jobs/observe-job.ts';
import { kinds } from '../../kinds.ts';
import { findPublished } from '../../versions/find-published.ts';
import { publishedName } from '../../versions/publish-version.ts';
import { attemptNumberOf, attemptsOf, isAttemptAt } from './attempt.ts';
import type { Attempt } from './attempt.ts';
import { attemptOutcome } from './attempt-outcome.ts';
import type { AttemptOutcome } from './attempt-outcome.ts';
import { LAST_ATTEMPT_ANNOTATION } from './build-children.ts';
import { producedVersion } from './build-model-version.ts';
import { identityOf } from './identity.ts';
import type { Identity } from './identity.ts';
import { resolveInputs, wantedVersion } from './inputs.ts';
import type { ResolvedInputs } from './inputs.ts';
import { publishJobName, serviceName } from './names.ts';

/** The newest attempt, if it does what the spec asks, and what became of it. */
export interface CurrentAttempt extends Attempt {
  readonly pods: readonly DeepReadonly<Pod>[];
  readonly outcome: AttemptOutcome;
  readonly publish: ObservedJob<PublishModelResult>;
  /** The version that was made of it. */
  readonly version: DeepReadonly<ModelVersion> | undefined;
  /** The name of that version if a person deleted it. */
  readonly deletedVersion: string | undefined;
}

export interface ObservedTrainingJob {
  readonly trainingJob: DeepReadonly<TrainingJob>;
  readonly identity: Identity;
  readonly current: CurrentAttempt | undefined;
  /** The highest number that an attempt ever had; 0 for none. */
  readonly lastAttempt: number;
  /** The version that a TrainingJob of this name made of the same spec and code. */
  readonly produced: DeepReadonly<ModelVersion> | undefined;
  readonly model: DeepReadonly<Model> | undefined;
  readonly modelStore: FoundStore | undefined;
  /** What the next attempt would be made with. */
  readonly inputs: ResolvedInputs;
  readonly modelVersions: readonly DeepReadonly<ModelVersion>[];
  readonly jobs: readonly DeepReadonly<Job>[];
}

export async function observeTrainingJob(
  { caches, client }: { readonly caches: Caches; readonly client: Pick<KubeClient, 'get'> },
  trainingJob: DeepReadonly<TrainingJob>,
): Promise<ObservedTrainingJob> {
  const { namespace = '', name, uid } = trainingJob.metadata;
  const { spec } = trainingJob;
  const code = spec.code && caches.codeFiles.get({ namespace, name: spec.code.configMap.name });
  const identity = identityOf(spec, code);
  const jobs = uid === undefined ? [] : caches.jobs.byIndex('controller', uid);
  const newest = attemptsOf(jobs).at(-1);
  const attempt = newest !== undefined && isAttemptAt(newest, identity) ? newest : undefined;
  const current = attempt && (await observeAttempt({ caches, client }, trainingJob, attempt));
  const model = caches.models.get({ namespace, name: spec.output.model.name });
  const modelStore = model && findStore(caches, { namespace, name: model.spec.store.name, access: 'write' });
  const modelVersions = caches.modelVersions.byIndex('model', indexKey(namespace, spec.output.model.name));
  return {
    trainingJob,
    identity,
    current,
    lastAttempt: lastAttemptOf(jobs, caches.services.get({ namespace, name: serviceName(name) }), uid),
    produced: producedVersion(modelVersions, name, identity),
    model,
    modelStore,
    inputs: observeInputs(caches, trainingJob, { identity, model, modelStore, pinned: attempt?.record.datasetVersion }),
    modelVersions,
    jobs,
  };
}

function observeInputs(
  caches: Caches,
  trainingJob: DeepReadonly<TrainingJob>,
  known: {
    readonly identity: Identity;
    readonly model: DeepReadonly<Model> | undefined;
    readonly modelStore: FoundStore | undefined;
    readonly pinned: string | undefined;
  },
): ResolvedInputs {
  const { namespace = '' } = trainingJob.metadata;
  const { name } = trainingJob.spec.dataset;
  const dataset = caches.datasets.get({ namespace, name });
  const versions = caches.datasetVersions.byIndex('dataset', indexKey(namespace, name));
  const wanted = wantedVersion(trainingJob.spec.dataset, dataset, { versions, pinned: known.pinned });
  const store = wanted.version?.spec.artifact.store.name;
  return resolveInputs({
    trainingJob,
    codeIsThere: known.identity.code !== undefined,
    model: known.model,
    modelStore: known.modelStore,
    dataset,
    wantedVersion: wanted,
    datasetStore: store === undefined ? undefined : findStore(caches, { namespace, name: store, access: 'read' }),
  });
}

async function observeAttempt(
  { caches, client }: { readonly caches: Caches; readonly client: Pick<KubeClient, 'get'> },
  trainingJob: DeepReadonly<TrainingJob>,
  { record, job }: Attempt,
): Promise<CurrentAttempt> {
  const { namespace = '', name, uid } = trainingJob.metadata;
  const jobUid = job.metadata.uid ?? '';
  const pods = caches.pods.byIndex('controller', jobUid);
  const outcome = attemptOutcome(job, pods, {
    createFailure: newestMessage(caches.jobCreateFailures.byIndex('subject', jobUid)),
    mountFailures: mountFailuresOf(caches, pods),
  });
  const publish = observeJob(
    caches,
    { namespace, name: publishJobName(name, record.number), ownerUid: uid },
    { result: PublishModelResult },
  );
  const marked = publishedName(publish.job);
  const key = { namespace, name: marked ?? '' };
  const version =
    marked === undefined
      ? undefined
      : await findPublished(client, kinds.ModelVersion, key, caches.modelVersions.get(key));
  return { record, job, pods, outcome, publish, version, deletedVersion: version === undefined ? marked : undefined };
}

function lastAttemptOf(
  jobs: readonly DeepReadonly<Job>[],
  service: DeepReadonly<Service> | undefined,
  uid: string | undefined,
): number {
  const isOurs = service?.metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
  const noted = isOurs ? Number(service?.metadata.annotations?.[LAST_ATTEMPT_ANNOTATION] ?? 0) : 0;
  return Math.max(0, Number.isSafeInteger(noted) ? noted : 0, ...jobs.map(attemptNumberOf));
}
