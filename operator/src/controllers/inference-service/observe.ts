import type { InferenceService, ModelVersion } from '@slipway/crds';
import { controllerOf } from '@slipway/kube';
import type { ControllerRevision, DeepReadonly, Deployment, Pod, Service } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { findCondition } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import type { Caches } from '../../deps.ts';
import { findStore } from '../../jobs/find-store.ts';
import { mountFailuresOf } from '../../jobs/observe-job.ts';
import type { Trouble } from '../../jobs/pod-trouble.ts';
import type { PodDisruptionBudget } from '../../kinds.ts';
import { REVISION_LABEL } from '../../labels.ts';
import { IN_USE_FINALIZER } from '../model-version/plan.ts';
import { readRevision, resolveFacts } from './revision.ts';
import type { RevisionData, RevisionFacts } from './revision.ts';
import { isPodReady, revisionTrouble } from './revision-trouble.ts';

/** A revision as far as it exists: a snapshot, a Deployment, or both. */
export interface ObservedRevision {
  readonly name: string;
  readonly snapshot: DeepReadonly<ControllerRevision> | undefined;
  readonly data: RevisionData | undefined;
  readonly deployment: DeepReadonly<Deployment> | undefined;
  readonly pods: readonly DeepReadonly<Pod>[];
  /** Pods that answer. */
  readonly ready: number;
  readonly trouble: Trouble | undefined;
  /** Whether the Service still sends traffic to one of its pods. */
  readonly hasEndpoints: boolean;
}

/** What the spec asks for, with everything looked up; or why that is not possible now. */
export type Resolved =
  | { readonly facts: RevisionFacts; readonly problem?: undefined }
  | { readonly facts?: undefined; readonly problem: Reason & { readonly isFinal: boolean } };

export interface ObservedService {
  readonly service: DeepReadonly<InferenceService>;
  /** The Service of our name that we control. */
  readonly address: DeepReadonly<Service> | undefined;
  readonly budgets: readonly DeepReadonly<PodDisruptionBudget>[];
  /** By name, sorted. */
  readonly revisions: readonly ObservedRevision[];
  readonly resolved: Resolved;
}

export function observeService(caches: Caches, service: DeepReadonly<InferenceService>): ObservedService {
  const { name, namespace = '', uid = '' } = service.metadata;
  const address = caches.services.byIndex('controller', uid).find((one) => one.metadata.name === name);
  return {
    service,
    address,
    budgets: caches.disruptionBudgets.byIndex('controller', uid),
    revisions: observeRevisions(caches, service, endpointPods(caches, namespace, name)),
    resolved: resolve(caches, service),
  };
}

function endpointPods(caches: Caches, namespace: string, service: string): ReadonlySet<string> {
  const slices = caches.endpointSlices.byIndex('service', indexKey(namespace, service));
  // `endpoints` is null in a slice that has none.
  const endpoints = slices.flatMap((slice) => slice.endpoints ?? []);
  return new Set(endpoints.flatMap(({ targetRef }) => (targetRef?.name === undefined ? [] : [targetRef.name])));
}

function observeRevisions(
  caches: Caches,
  service: DeepReadonly<InferenceService>,
  endpoints: ReadonlySet<string>,
): ObservedRevision[] {
  const { namespace = '', uid = '' } = service.metadata;
  const snapshots = new Map(
    caches.controllerRevisions.byIndex('controller', uid).map((one) => [one.metadata.name, one]),
  );
  const deployments = new Map(caches.deployments.byIndex('controller', uid).map((one) => [one.metadata.name, one]));
  return [...new Set([...snapshots.keys(), ...deployments.keys()])].sort().map((name) => {
    const deployment = deployments.get(name);
    const snapshot = snapshots.get(name);
    const pods = caches.pods
      .byIndex('revision', indexKey(namespace, name))
      .filter((pod) => controllerOf(pod)?.kind === 'ReplicaSet');
    return {
      name,
      snapshot,
      data: snapshot === undefined ? undefined : readRevision(snapshot),
      deployment,
      pods,
      ready: deployment === undefined ? 0 : pods.filter(isPodReady).length,
      trouble: revisionTrouble({ deployment, pods, mountFailures: mountFailuresOf(caches, pods) }),
      hasEndpoints: pods.some((pod) => endpoints.has(pod.metadata.name)),
    };
  });
}

function resolve(caches: Caches, service: DeepReadonly<InferenceService>): Resolved {
  const { namespace = '' } = service.metadata;
  const { name } = service.spec.modelVersion;
  const version = caches.modelVersions.get({ namespace, name });
  if (version === undefined) {
    const message = `There is no ModelVersion "${name}" in namespace "${namespace}". Create it, or name another one in spec.modelVersion.`;
    return { problem: { reason: 'ModelVersionNotFound', message, isFinal: false } };
  }
  const problem = versionProblem(version);
  if (problem !== undefined) return { problem };
  const found = findStore(caches, { namespace, name: version.spec.artifact.store.name, access: 'read' });
  if (found.problem !== undefined) return { problem: { ...found.problem, isFinal: false } };
  return { facts: resolveFacts(service, version, found.store) };
}

/** A version is served once its bytes were verified and its finalizer keeps it from going while it is served. */
function versionProblem(version: DeepReadonly<ModelVersion>): (Reason & { isFinal: boolean }) | undefined {
  const { name, deletionTimestamp, finalizers } = version.metadata;
  if (deletionTimestamp !== undefined) {
    const message = `ModelVersion "${name}" is being deleted. Name another one in spec.modelVersion.`;
    return { reason: 'ModelVersionNotReady', message, isFinal: false };
  }
  const ready = findCondition(version, 'Ready');
  if (ready?.status !== 'True') {
    const words = ready === undefined ? 'it was not looked at yet.' : ready.message;
    const isFinal = findCondition(version, 'Stalled')?.status === 'True';
    return { reason: 'ModelVersionNotReady', message: `ModelVersion "${name}" is not ready: ${words}`, isFinal };
  }
  if (finalizers?.includes(IN_USE_FINALIZER) === true) return undefined;
  return { reason: 'ModelVersionNotReady', message: `ModelVersion "${name}" is being reserved.`, isFinal: false };
}

/** The revision that the Service's selector names: the one with the traffic. */
export function stableName({ address }: Pick<ObservedService, 'address'>): string | undefined {
  return address?.spec?.selector?.[REVISION_LABEL];
}
