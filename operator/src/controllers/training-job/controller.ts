import type { TrainingJob } from '@slipway/crds';
import { applyOwned, builtin, keyOf, pruneOwned, settled, toController, watch } from '@slipway/kube';
import type { DeepReadonly, EventNote, Job, ObjectKey, Result, Scope } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { AddController } from '../../controller-registration.ts';
import { createOwned } from '../../create-owned.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { OperatorDeps } from '../../deps.ts';
import { jobWatches } from '../../jobs/job-watches.ts';
import { recordJobResult } from '../../jobs/observe-job.ts';
import { storeWatches } from '../../jobs/store-watches.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { APPLIED_ANNOTATION } from '../../labels.ts';
import { publishVersion } from '../../versions/publish-version.ts';
import { observeTrainingJob } from './observe.ts';
import type { CurrentAttempt, ObservedTrainingJob } from './observe.ts';
import { planTrainingJob } from './plan.ts';
import type { TrainingPlan } from './plan.ts';
import { trainingJobStatus } from './status.ts';

const NAME = 'training-job.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** Runs attempts of a training until one succeeds or a person has to act, and has its model published once. Versions that it produced stay. */
export const addTrainingJobController: AddController = (manager, deps) => {
  const { caches } = deps;
  const ofModel = (key: string) => caches.trainingJobs.byIndex('model', key).map(keyOf);
  const ofDataset = (key: string) => caches.trainingJobs.byIndex('dataset', key).map(keyOf);
  const ofStore = (key: string) => [
    ...caches.models
      .byIndex('store', key)
      .flatMap(({ metadata }) => ofModel(indexKey(metadata.namespace, metadata.name))),
    ...caches.datasets
      .byIndex('store', key)
      .flatMap(({ metadata }) => ofDataset(indexKey(metadata.namespace, metadata.name))),
  ];
  addKindController(manager, deps, {
    name: NAME,
    kind: kinds.TrainingJob,
    cache: caches.trainingJobs,
    watches: [
      ...jobWatches(caches, kinds.TrainingJob),
      watch(caches.services, toController(kinds.TrainingJob)),
      watch(caches.datasets, ({ metadata }) => ofDataset(indexKey(metadata.namespace, metadata.name))),
      watch(caches.datasetVersions, ({ metadata, spec }) => ofDataset(indexKey(metadata.namespace, spec.dataset.name))),
      watch(caches.models, ({ metadata }) => ofModel(indexKey(metadata.namespace, metadata.name))),
      watch(caches.modelVersions, ({ metadata: { namespace = '' }, spec: { lineage } }) =>
        lineage?.trainingJob === undefined ? [] : [{ namespace, name: lineage.trainingJob }],
      ),
      watch(caches.codeFiles, ({ metadata }) =>
        caches.trainingJobs.byIndex('configMap', indexKey(metadata.namespace, metadata.name)).map(keyOf),
      ),
      ...storeWatches(caches, ofStore),
    ],
    observe: (trainingJob) => observeTrainingJob(deps, trainingJob),
    drive: (observed, scope) => driveTrainingJob(deps, observed, scope),
    status: trainingJobStatus,
  });
};

async function driveTrainingJob(deps: OperatorDeps, observed: ObservedTrainingJob, scope: Scope): Promise<Result> {
  const plan = planTrainingJob(observed, deps.config);
  const isNew = await recordResults(deps, observed, scope);
  const owned = {
    client: deps.client,
    owner: { kind: kinds.TrainingJob, object: observed.trainingJob },
    fieldManager: FIELD_MANAGER,
    appliedAnnotation: APPLIED_ANNOTATION,
    live: (_: unknown, key: ObjectKey) => deps.caches.services.get(key),
  };
  await applyOwned(owned, plan.apply, scope);
  if (plan.create !== undefined && (await createOwned(owned, { kind: builtin.Job, object: plan.create }, scope))) {
    recordStart(deps, observed.trainingJob, plan.create);
  }
  if (plan.suspend !== undefined) await suspendJob(deps, plan.suspend, scope);
  // Recording a result woke this key again; the marks of a version go onto a Job that has its result.
  if (!isNew) await publish(deps, observed.trainingJob, plan, scope);
  await pruneOwned(owned, plan.prune, () => false, scope);
  return settled();
}

/** Before anything that counts on them: pods may go at any moment. Returns whether it wrote. */
async function recordResults(deps: OperatorDeps, { trainingJob, current }: ObservedTrainingJob, scope: Scope) {
  if (current === undefined) return false;
  const attemptEnded = await recordJobResult(deps, current, FIELD_MANAGER, scope);
  if (attemptEnded) recordEnd(deps, trainingJob, current);
  const publishEnded = await recordJobResult(deps, current.publish, FIELD_MANAGER, scope);
  return attemptEnded || publishEnded;
}

async function publish(
  deps: OperatorDeps,
  trainingJob: DeepReadonly<TrainingJob>,
  plan: TrainingPlan,
  scope: Scope,
): Promise<void> {
  if (plan.publish === undefined) return;
  const { name, created } = await publishVersion(
    { client: deps.client, fieldManager: FIELD_MANAGER },
    plan.publish,
    scope,
  );
  if (created)
    note(deps, trainingJob, {
      reason: 'Published',
      message: `ModelVersion ${name} was made.`,
      action: 'Publishing',
    });
}

async function suspendJob(deps: OperatorDeps, job: DeepReadonly<Job>, scope: Scope): Promise<void> {
  const patch = { metadata: { uid: job.metadata.uid }, spec: { suspend: true } };
  await deps.client.mergePatch(builtin.Job, keyOf(job), patch, { fieldManager: FIELD_MANAGER, signal: scope.signal });
  scope.log.info({ job: job.metadata.name }, 'job suspended');
}

function recordStart(deps: OperatorDeps, trainingJob: DeepReadonly<TrainingJob>, { metadata }: Job): void {
  const attempt = metadata.labels?.['slipway.dev/attempt'] ?? '';
  if (metadata.labels?.['slipway.dev/role'] !== 'trainer') return;
  note(deps, trainingJob, { reason: 'AttemptStarted', message: `Attempt ${attempt} was started.`, action: 'Starting' });
}

function recordEnd(
  deps: OperatorDeps,
  trainingJob: DeepReadonly<TrainingJob>,
  { record, outcome }: CurrentAttempt,
): void {
  if (outcome.state !== 'failed') return;
  const message = `Attempt ${record.number} failed: ${outcome.message}`;
  note(deps, trainingJob, { type: 'Warning', reason: 'AttemptFailed', message, action: 'Training' });
}

function note(
  deps: OperatorDeps,
  trainingJob: DeepReadonly<TrainingJob>,
  event: Omit<EventNote, 'type'> & Partial<Pick<EventNote, 'type'>>,
): void {
  deps.events.record(trainingJob, { type: 'Normal', ...event });
}
