/** Which versions of a Model are too many. Only their objects go; the bytes stay in the Store. */
import type { Model, ModelVersion } from '@slipway/crds';
import type { DeepReadonly, EventNote } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { findCondition } from '../../conditions.ts';
import type { Caches } from '../../deps.ts';
import { isFinished } from '../../jobs/superseded-jobs.ts';
import { usersOf } from '../model-version/in-use.ts';
import { servableProblem } from '../model-version/servable.ts';

type Version = DeepReadonly<ModelVersion>;
export type HoldingCaches = Pick<
  Caches,
  'inferenceServices' | 'deployments' | 'modelAliases' | 'controllerRevisions' | 'jobs'
>;

/**
 * What is older than the `keepLast` newest that have passed, and has passed or failed itself. One that is not judged yet stays,
 * and so does one that is held.
 */
export function surplusVersions(
  { spec }: DeepReadonly<Model>,
  versions: readonly Version[],
  isHeld: (version: Version) => boolean,
): readonly Version[] {
  const { retention } = spec;
  if (retention === undefined) return [];
  const newestFirst = versions.filter(({ metadata }) => metadata.deletionTimestamp === undefined).sort(byAge);
  const oldestKept = newestFirst.filter(hasPassed)[retention.keepLast - 1];
  if (oldestKept === undefined) return [];
  const older = newestFirst.slice(newestFirst.indexOf(oldestKept) + 1);
  return older.filter((version) => (hasPassed(version) || hasFailed(version)) && !isHeld(version));
}

/** By number; versions that people made may have the same one. */
function byAge(a: Version, b: Version): number {
  return (
    b.spec.number - a.spec.number || compare(createdAt(b), createdAt(a)) || compare(a.metadata.name, b.metadata.name)
  );
}

function createdAt({ metadata }: Version): string {
  return metadata.creationTimestamp ?? '';
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function hasPassed(version: Version): boolean {
  return findCondition(version, 'Ready')?.status === 'True' && servableProblem(version) === undefined;
}

/** At a gate, or with the people who were asked; bytes that cannot be read yet are no failure of the version. */
function hasFailed(version: Version): boolean {
  return servableProblem(version)?.isFinal === true;
}

/** Somebody uses it, a Job is at work on it, or a service can still be brought back to a revision of it. */
export function isHeldVersion(caches: HoldingCaches, version: Version): boolean {
  const { namespace, name, uid = '', finalizers = [] } = version.metadata;
  return (
    finalizers.length > 0 ||
    usersOf(caches, version).length > 0 ||
    caches.controllerRevisions.byIndex('modelVersion', indexKey(namespace, name)).length > 0 ||
    caches.jobs.byIndex('controller', uid).some((job) => !isFinished(job))
  );
}

export function retiredNote({ spec }: DeepReadonly<Model>, { metadata, spec: { artifact } }: Version): EventNote {
  const message = `ModelVersion "${metadata.name}" was deleted: spec.retention keeps ${spec.retention?.keepLast}. Its bytes stay in Store "${artifact.store.name}" at ${artifact.path}.`;
  return { type: 'Normal', reason: 'VersionRetired', message, action: 'DeletingVersion' };
}
