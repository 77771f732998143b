import type { ModelVersion } from '@slipway/crds';
import { groupVersion } from '@slipway/crds';
import {
  applyOwned,
  builtin,
  ignoreNotFound,
  keyOf,
  pruneOwned,
  requeueAfter,
  settled,
  toController,
  TransientError,
  watch,
} from '@slipway/kube';
import type { DeepReadonly, Job, KubeKind, KubeObject, ObjectKey, Owner, Result, Scope } from '@slipway/kube';
import type { AddController } from '../../controller-registration.ts';
import { createOwned } from '../../create-owned.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { Caches, OperatorDeps } from '../../deps.ts';
import { recordJobResult } from '../../jobs/observe-job.ts';
import { storeWatches } from '../../jobs/store-watches.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { APPLIED_ANNOTATION, MODEL_VERSION_LABEL } from '../../labels.ts';
import type { EvaluationToMake } from './evaluation/plan.ts';
import { signingWatches } from '../../signature.ts';
import { comparedWith } from './compatibility/compatible.ts';
import { createPlaces, waitingFor } from './evaluation/places.ts';
import type { Places } from './evaluation/places.ts';
import { evaluationWatches } from './evaluation/watches.ts';
import { observeModelVersion } from './observe.ts';
import type { ObservedModelVersion } from './observe.ts';
import { IN_USE_FINALIZER, planModelVersion } from './plan.ts';
import type { ModelVersionPlan } from './plan.ts';
import { modelVersionStatus } from './status.ts';

const NAME = 'model-version.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** Has the bytes of a version verified by a Job, and keeps the version while InferenceServices or aliases use it. */
export const addModelVersionController: AddController = (manager, deps) => {
  const { caches } = deps;
  const places = createPlaces(deps);
  addKindController(manager, deps, {
    name: NAME,
    kind: kinds.ModelVersion,
    cache: caches.modelVersions,
    watches: [
      watch(caches.jobs, toController(kinds.ModelVersion)),
      watch(caches.pods, versionOfPod),
      ...storeWatches(caches, (store) => caches.modelVersions.byIndex('store', store).map(keyOf)),
      watch(caches.inferenceServices, ({ metadata, spec }) =>
        spec.modelVersion === undefined ? [] : [at(metadata.namespace, spec.modelVersion.name)],
      ),
      watch(caches.modelAliases, ({ metadata, spec }) => [at(metadata.namespace, spec.modelVersion.name)]),
      watch(caches.modelVersions, (other) => comparedWith(caches, other).map(keyOf)),
      watch(caches.approvals, ({ metadata, spec }) => [at(metadata.namespace, spec.modelVersion.name)]),
      ...signingWatches(caches.signing, caches.modelVersions),
      watch(caches.deployments, ({ metadata }) => named(metadata.namespace, metadata.labels?.[MODEL_VERSION_LABEL])),
      ...evaluationWatches(caches),
      watch(caches.jobs, (job) => waitingFor(caches, ownerOf(caches, job), job).map(keyOf)),
      watch(caches.jobCreateFailures, ({ involvedObject }) => ownerOfJob(deps, involvedObject)),
      watch(caches.mountFailures, ({ involvedObject: { namespace, name } }) => {
        const pod = caches.pods.get(at(namespace, name ?? ''));
        return pod === undefined ? [] : versionOfPod(pod);
      }),
    ],
    observe: (version) => observeModelVersion(caches, version),
    drive: (observed, scope) => driveModelVersion({ ...deps, places }, observed, scope),
    status: modelVersionStatus,
    finalizes: true,
  });
};

function at(namespace: string | undefined, name: string): ObjectKey {
  return { namespace: namespace ?? '', name };
}

function named(namespace: string | undefined, name: string | undefined): readonly ObjectKey[] {
  return name === undefined ? [] : [at(namespace, name)];
}

/** Pods of our Jobs carry the label; those of services carry it too and wake the version for nothing, which is cheap. */
function versionOfPod({ metadata }: DeepReadonly<KubeObject>): readonly ObjectKey[] {
  return named(metadata.namespace, metadata.labels?.[MODEL_VERSION_LABEL]);
}

function ownerOf({ modelVersions }: Pick<Caches, 'modelVersions'>, job: DeepReadonly<Job>) {
  const [owner] = toController(kinds.ModelVersion)(job);
  return owner === undefined ? undefined : modelVersions.get(owner);
}

function ownerOfJob(
  { caches }: OperatorDeps,
  job: { readonly namespace?: string; readonly name?: string },
): readonly ObjectKey[] {
  const found = caches.jobs.get(at(job.namespace, job.name ?? ''));
  return found === undefined ? [] : toController(kinds.ModelVersion)(found);
}

interface VersionDeps extends OperatorDeps {
  readonly places: Places;
}

type VersionOwner = Owner & { readonly object: DeepReadonly<ModelVersion> };

async function driveModelVersion(deps: VersionDeps, observed: ObservedModelVersion, scope: Scope): Promise<Result> {
  const { version, verification, evaluation } = observed;
  const plan = planModelVersion(observed, deps.config, deps.clock.now());
  await applyFinalizer(deps, version, plan.finalizer, scope);
  const owned = {
    client: deps.client,
    owner: { kind: kinds.ModelVersion, object: version },
    fieldManager: FIELD_MANAGER,
    appliedAnnotation: APPLIED_ANNOTATION,
    live: ({ kind }: KubeKind, key: ObjectKey) =>
      kind === 'Job' ? deps.caches.jobs.get(key) : deps.caches.controllerRevisions.get(key),
  };
  await applyOwned(owned, plan.apply, scope);
  if (plan.evaluate !== undefined) await createEvaluateJob(deps, owned.owner, plan.evaluate, scope);
  await recordJobResult(deps, verification, FIELD_MANAGER, scope);
  if (evaluation.asked !== undefined) await recordJobResult(deps, evaluation.asked.current, FIELD_MANAGER, scope);
  await pruneOwned(owned, plan.prune, () => false, scope);
  const { lookAgainMs } = plan;
  return lookAgainMs === undefined ? settled() : requeueAfter(lookAgainMs, 'a Job that failed is done again');
}

async function createEvaluateJob(
  deps: VersionDeps,
  owner: VersionOwner,
  make: EvaluationToMake,
  scope: Scope,
): Promise<void> {
  const { namespace = '', name } = make.job.metadata;
  const model = { namespace, name: owner.object.spec.model?.name ?? '' };
  const giveBack = deps.places.take(model, { namespace, name }, make.othersAtWork);
  if (giveBack === undefined) return;
  let isMade = false;
  try {
    isMade = await createIfUpToDate(deps, owner, make, scope);
  } finally {
    if (!isMade) giveBack();
  }
}

/**
 * What the Job finds is kept for good, and caches are not of one moment: a Job that is gone may have left its record already,
 * and an alias that was made before the version may come after it. So the API server is asked.
 */
async function createIfUpToDate(
  { client }: OperatorDeps,
  owner: Owner,
  { job, unless, champions }: EvaluationToMake,
  scope: Scope,
): Promise<boolean> {
  const { signal } = scope;
  const { namespace = '' } = job.metadata;
  for (const { name, modelVersion } of champions) {
    const alias = await ignoreNotFound(client.get(kinds.ModelAlias, { namespace, name }, { signal }));
    if (alias?.spec.modelVersion.name === modelVersion) continue;
    throw new TransientError('CacheBehind', `ModelAlias "${name}" was made, moved or deleted a moment ago.`);
  }
  const record = await ignoreNotFound(client.get(builtin.ControllerRevision, { namespace, name: unless }, { signal }));
  if (record !== undefined) return false;
  return createOwned({ client, owner, fieldManager: FIELD_MANAGER }, { kind: builtin.Job, object: job }, scope);
}

/**
 * With the uid, so that a late write cannot bring back a version that is gone. A removal also insists on the version that was
 * looked at: a late one must not free a version that a service uses by now and that a person has deleted.
 */
async function applyFinalizer(
  deps: OperatorDeps,
  { metadata }: DeepReadonly<ModelVersion>,
  change: ModelVersionPlan['finalizer'],
  scope: Scope,
): Promise<void> {
  if (change === undefined) return;
  const { name, namespace = '', uid = '', resourceVersion = '' } = metadata;
  const finalizers = change === 'add' ? { finalizers: [IN_USE_FINALIZER] } : { resourceVersion };
  const object = {
    apiVersion: groupVersion,
    kind: 'ModelVersion' as const,
    metadata: { name, namespace, uid, ...finalizers },
  };
  await deps.client.apply(kinds.ModelVersion, object, {
    fieldManager: FIELD_MANAGER,
    force: true,
    signal: scope.signal,
  });
  scope.log.info({ finalizer: IN_USE_FINALIZER, change }, 'finalizer changed');
}
