import type { ModelVersion } from '@slipway/crds';
import { groupVersion } from '@slipway/crds';
import {
  applyOwned,
  keyOf,
  pruneOwned,
  requeueAfter,
  settled,
  toController,
  toOperatorError,
  watch,
  writeStatus,
} from '@slipway/kube';
import type { DeepReadonly, KubeObject, ObjectKey, OperatorError, Result, Scope } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { recordReadyChange } from '../../condition-events.ts';
import type { AddController } from '../../controller-registration.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { OperatorDeps } from '../../deps.ts';
import { recordJobResult } from '../../jobs/observe-job.ts';
import { kinds } from '../../kinds.ts';
import { APPLIED_ANNOTATION, MODEL_VERSION_LABEL } from '../../labels.ts';
import { observeModelVersion } from './observe.ts';
import type { ObservedModelVersion } from './observe.ts';
import { IN_USE_FINALIZER, planModelVersion } from './plan.ts';
import type { ModelVersionPlan } from './plan.ts';
import { modelVersionStatus } from './status.ts';

const NAME = 'model-version.lifecycle';
const FIELD_MANAGER = fieldManagerOf(NAME);

/** Has the bytes of a version verified by a Job, and keeps the version while InferenceServices use it. */
export const addModelVersionController: AddController = (manager, deps) => {
  const { caches } = deps;
  const ofStore = (key: string) => caches.modelVersions.byIndex('store', key).map(keyOf);
  manager.addController({
    name: NAME,
    for: caches.modelVersions,
    watches: [
      watch(caches.jobs, toController(kinds.ModelVersion)),
      watch(caches.pods, versionOfPod),
      watch(caches.stores, ({ metadata }) => ofStore(indexKey(metadata.namespace, metadata.name))),
      watch(caches.claims, ({ metadata }) =>
        caches.stores
          .byIndex('claim', indexKey(metadata.namespace, metadata.name))
          .flatMap((store) => ofStore(indexKey(store.metadata.namespace, store.metadata.name))),
      ),
      watch(caches.inferenceServices, ({ metadata, spec }) => [at(metadata.namespace, spec.modelVersion.name)]),
      watch(caches.deployments, ({ metadata }) => named(metadata.namespace, metadata.labels?.[MODEL_VERSION_LABEL])),
      watch(caches.jobCreateFailures, ({ involvedObject }) => ownerOfJob(deps, involvedObject)),
      watch(caches.mountFailures, ({ involvedObject: { namespace, name } }) => {
        const pod = caches.pods.get(at(namespace, name ?? ''));
        return pod === undefined ? [] : versionOfPod(pod);
      }),
    ],
    reconcile: (key, scope) => reconcileModelVersion(deps, key, scope),
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

function ownerOfJob(
  { caches }: OperatorDeps,
  job: { readonly namespace?: string; readonly name?: string },
): readonly ObjectKey[] {
  const found = caches.jobs.get(at(job.namespace, job.name ?? ''));
  return found === undefined ? [] : toController(kinds.ModelVersion)(found);
}

async function reconcileModelVersion(deps: OperatorDeps, key: ObjectKey, scope: Scope): Promise<Result> {
  const version = deps.caches.modelVersions.get(key);
  if (version === undefined) return settled();
  const observed = observeModelVersion(deps.caches, version);
  const { error, next, written } = await drive(deps, observed, scope);
  const status = modelVersionStatus(observed, { now: deps.clock.now(), error });
  if (status !== undefined) {
    const wrote = await writeStatus(
      { client: deps.client, kind: kinds.ModelVersion, fieldManager: FIELD_MANAGER },
      written ?? version,
      status,
      scope,
    );
    if (wrote) recordReadyChange(deps.events, version, status.conditions);
  }
  if (error !== undefined) throw error;
  return next;
}

interface Outcome {
  readonly error: OperatorError | undefined;
  readonly next: Result;
  /** The version after our change of its finalizers; the status must be written on top of that. */
  readonly written: ModelVersion | undefined;
}

/** Never throws: an error goes into the status first. */
async function drive(deps: OperatorDeps, observed: ObservedModelVersion, scope: Scope): Promise<Outcome> {
  const { version } = observed;
  let written: ModelVersion | undefined;
  try {
    const plan = planModelVersion(observed, deps.config, deps.clock.now());
    written = await applyFinalizer(deps, version, plan.finalizer, scope);
    const owner = { kind: kinds.ModelVersion, object: version };
    const owned = {
      client: deps.client,
      owner,
      fieldManager: FIELD_MANAGER,
      appliedAnnotation: APPLIED_ANNOTATION,
      live: (_: unknown, jobKey: ObjectKey) => deps.caches.jobs.get(jobKey),
    };
    await applyOwned(owned, plan.apply, scope);
    await recordJobResult(deps, observed.verification, FIELD_MANAGER, scope);
    await pruneOwned(owned, plan.prune, () => false, scope);
    const { lookAgainMs } = plan;
    const next = lookAgainMs === undefined ? settled() : requeueAfter(lookAgainMs, 'the verification is done again');
    return { error: undefined, next, written };
  } catch (cause) {
    return { error: toOperatorError(cause), next: settled(), written };
  }
}

/** With the uid, so that a late write cannot bring back a version that is gone. */
async function applyFinalizer(
  deps: OperatorDeps,
  { metadata }: DeepReadonly<ModelVersion>,
  change: ModelVersionPlan['finalizer'],
  scope: Scope,
): Promise<ModelVersion | undefined> {
  if (change === undefined) return undefined;
  const { name, namespace = '', uid = '' } = metadata;
  const finalizers = change === 'add' ? { finalizers: [IN_USE_FINALIZER] } : {};
  const object = {
    apiVersion: groupVersion,
    kind: 'ModelVersion' as const,
    metadata: { name, namespace, uid, ...finalizers },
  };
  const written = await deps.client.apply(kinds.ModelVersion, object, {
    fieldManager: FIELD_MANAGER,
    force: true,
    signal: scope.signal,
  });
  scope.log.info({ finalizer: IN_USE_FINALIZER, change }, 'finalizer changed');
  // Removing the last finalizer of a version that was deleted ends it; there is no status to write then.
  return written;
}
