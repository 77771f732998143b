/** What must hold of the objects in a namespace once everything is quiet. Pure; each problem is one line. */
import type { Json } from '../driver/api.ts';
import { keyOf } from '../driver/masking.ts';
import { isOurs } from '../driver/observed-resources.ts';

/** An owner that is gone, by uid: the garbage collector would have taken the child, so somebody wrote a wrong reference. */
export function orphans(objects: readonly Json[]): string[] {
  const uids = new Set(objects.map(({ metadata }) => metadata.uid));
  return objects.flatMap((object) =>
    (object.metadata.ownerReferences ?? [])
      .filter(({ uid }) => !uids.has(uid))
      .map((owner) => `${keyOf(object)} is an orphan: its owner ${owner.kind} ${owner.name} (${owner.uid}) is gone`),
  );
}

/** A child that is older than its owner was left over by a namesake: with it come old pods and old results. */
export function adopted(objects: readonly Json[]): string[] {
  const births = new Map(objects.map(({ metadata }) => [metadata.uid, metadata.creationTimestamp ?? '']));
  return objects.flatMap((object) =>
    (object.metadata.ownerReferences ?? [])
      .filter(({ uid }) => (births.get(uid) ?? '') > (object.metadata.creationTimestamp ?? ''))
      .map((owner) => `${keyOf(object)} is older than its owner ${owner.kind} ${owner.name}`),
  );
}

const JOB_TRACKING = 'batch.kubernetes.io/job-tracking';

/** Pods that have ended and of which the status of their Job does not tell yet: Kubernetes is not done with them. */
export function uncountedPods(objects: readonly Json[]): string[] {
  return objects.flatMap((object) => {
    const { metadata, status } = object;
    const { succeeded = [], failed = [] } = (status?.['uncountedTerminatedPods'] ?? {}) as Uncounted;
    const hasEnded = object.kind === 'Pod' && ['Succeeded', 'Failed'].includes(String(status?.['phase']));
    const isTracked = hasEnded && metadata.finalizers?.includes(JOB_TRACKING) === true;
    return [
      ...(isTracked ? [`${keyOf(object)} has ended, and its Job has not counted it`] : []),
      ...(succeeded.length + failed.length > 0 ? [`${keyOf(object)} has not counted its pods`] : []),
    ];
  });
}

interface Uncounted {
  readonly succeeded?: readonly string[];
  readonly failed?: readonly string[];
}

/** Objects of ours whose status does not speak of their present spec. */
export function unobserved(objects: readonly Json[]): string[] {
  return objects
    .filter(
      (object) => isOurs(object) && object.status !== undefined && object.metadata.deletionTimestamp === undefined,
    )
    .filter(({ status, metadata }) => status?.['observedGeneration'] !== metadata.generation)
    .map((object) => {
      const observed = String(object.status?.['observedGeneration']);
      return `${keyOf(object)}: generation ${object.metadata.generation} is not observed (${observed} is)`;
    });
}

/** Conditions that never go with each other, whatever happened. */
export function contradictions(objects: readonly Json[]): string[] {
  return objects.filter(isOurs).flatMap((object) => {
    const conditions = (object.status?.['conditions'] ?? []) as { type: string; status: string }[];
    const isTrue = (type: string) => conditions.some((each) => each.type === type && each.status === 'True');
    const names = conditions.map(({ type }) => type);
    return [
      ...(isTrue('Ready') && isTrue('Stalled') ? [`${keyOf(object)} is Ready and Stalled`] : []),
      ...(new Set(names).size < names.length ? [`${keyOf(object)} has a condition twice: ${names.join(', ')}`] : []),
    ];
  });
}

/** How many objects there ever were under each name: nothing may be made twice because of a fault. */
export type CreatedCounts = Readonly<Record<string, number>>;

export function createdCounts(history: readonly Json[]): CreatedCounts {
  const counts: Record<string, number> = {};
  for (const object of history) counts[keyOf(object)] = (counts[keyOf(object)] ?? 0) + 1;
  return counts;
}

export function createdTooOften(reference: CreatedCounts, actual: CreatedCounts): string[] {
  return Object.entries(actual)
    .filter(([key, count]) => count > (reference[key] ?? 0))
    .map(([key, count]) => `${key} was made ${count} times; without a fault ${reference[key] ?? 0} times`);
}

/** Numbers of produced versions that were given to two: who noted a number would find another model under it. */
export function reusedNumbers(history: readonly Json[]): string[] {
  const uids = new Map<string, Set<string>>();
  for (const { kind, metadata, spec } of history) {
    if (metadata.labels?.['slipway.dev/producer-uid'] === undefined) continue;
    const { number, model, dataset } = (spec ?? {}) as Numbered;
    if (number === undefined) continue;
    const key = `${kind} ${number} of ${model?.name ?? dataset?.name}`;
    uids.set(key, (uids.get(key) ?? new Set()).add(metadata.uid ?? ''));
  }
  return [...uids].filter(([, given]) => given.size > 1).map(([key, given]) => `${key} was given ${given.size} times`);
}

interface Numbered {
  readonly number?: number;
  readonly model?: { readonly name: string };
  readonly dataset?: { readonly name: string };
}
