/** What people ask for by a ModelRollout that they have made, and which ModelRollout is whose. */
import type { ModelRollout } from '@slipway/crds';
import { controllerOf } from '@slipway/kube';
import type { DeepReadonly } from '@slipway/kube';
import { isAnswered } from '../../rollouts/record.ts';
import type { Rollout, RolloutRecord } from '../../rollouts/record.ts';
import type { AskedUndo } from '../../rollouts/undo.ts';
import type { ObservedService } from './observe.ts';

/** The number that ends the name of a ModelRollout; 0 of one that people have named. */
export function numberOf({ metadata: { name } }: DeepReadonly<ModelRollout>): number {
  return Number(/-([1-9][0-9]{0,8})$/.exec(name)?.[1] ?? 0);
}

/** Whether a ModelRollout is that of a rollout. That of an Undo has the name that a person gave it. */
export function isOf(
  object: DeepReadonly<ModelRollout>,
  { number, by }: { readonly number: number; readonly by?: Rollout['by'] },
): boolean {
  if (by !== undefined) return object.metadata.name === by.name;
  return object.spec.cause !== 'Undo' && numberOf(object) === number;
}

/** Those that the record knows and that are not deleted with their service yet. */
export function unownedUndos(
  { rollouts }: ObservedService,
  record: RolloutRecord,
): readonly DeepReadonly<ModelRollout>[] {
  return rollouts.filter((one) => isUnowned(one) && isAnswered(record, one.metadata.uid));
}

/** The oldest that was not answered yet. An answered one has an owner, also where the record was lost. */
export function askedUndo(observed: ObservedService, record: RolloutRecord): AskedUndo | undefined {
  const [oldest] = observed.rollouts
    .filter((one) => isUnowned(one) && one.spec.verdict !== 'Abort' && !isAnswered(record, one.metadata.uid))
    .sort((a, b) => createdAt(a).localeCompare(createdAt(b)) || a.metadata.name.localeCompare(b.metadata.name));
  if (oldest === undefined) return undefined;
  const { uid = '', name } = oldest.metadata;
  const to = oldest.spec.to.revision;
  return { by: { uid, name }, to, modelDigest: digestIn(observed, to), problem: problemOf(observed, to) };
}

function isUnowned(object: DeepReadonly<ModelRollout>): boolean {
  const isAlive = object.metadata.deletionTimestamp === undefined;
  return object.spec.cause === 'Undo' && isAlive && controllerOf(object) === undefined;
}

function createdAt({ metadata }: DeepReadonly<ModelRollout>): string {
  return metadata.creationTimestamp ?? '';
}

/** Of the model that a revision serves. */
export function digestIn({ revisions }: ObservedService, name: string): string | undefined {
  return revisions.find((revision) => revision.name === name)?.data?.facts.artifact.digest;
}

function problemOf({ revisions, service, unservable }: ObservedService, to: string): string | undefined {
  const found = revisions.find(({ name }) => name === to);
  const { name, namespace = '' } = service.metadata;
  if (found?.data === undefined) {
    return `InferenceService "${name}" has no revision "${to}" any more, or never had. Those that it has: kubectl get controllerrevisions -n ${namespace} -l slipway.dev/inferenceservice=${name}`;
  }
  const problem = unservable.get(found.data.facts.modelVersion);
  return (
    problem &&
    `Revision "${to}" cannot serve again: ${problem} Go back to another revision, or name another version in the spec of InferenceService "${name}".`
  );
}
