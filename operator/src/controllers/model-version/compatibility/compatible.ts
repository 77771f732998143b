/** Whether callers can change to a version as they are, told before any traffic moves: the condition `Compatible`. */
import { modelAliasName } from '@slipway/crds';
import type { ModelVersion } from '@slipway/crds';
import type { DeepReadonly, WantedCondition } from '@slipway/kube';
import { indexKey } from '../../../caches.ts';
import { isFalse, isTrue, isUnknown } from '../../../conditions.ts';
import type { Caches } from '../../../deps.ts';
import { latestOf } from '../../model/status.ts';
import { isOpened } from '../format.ts';
import type { ObservedModelVersion } from '../observe.ts';
import { compareSignatures, hiddenBySteps } from './compare-signatures.ts';
import type { Hidden } from './compare-signatures.ts';

const CHAMPION = 'champion';

/** What a version is compared with. */
export interface Counterpart {
  readonly version: DeepReadonly<ModelVersion>;
  readonly isChampion: boolean;
}

/** The champion of its Model; where there is none, the newest of the versions before it whose signature is known. */
export function counterpartOf(
  caches: Pick<Caches, 'modelAliases' | 'modelVersions'>,
  { metadata, spec }: DeepReadonly<ModelVersion>,
): Counterpart | undefined {
  const { namespace = '' } = metadata;
  if (spec.model === undefined) return undefined;
  const versions = caches.modelVersions.byIndex('model', indexKey(namespace, spec.model.name));
  const champion = championOf(caches, namespace, spec.model.name);
  if (champion !== undefined) {
    const version = versions.find((one) => one.metadata.name === champion);
    return version === undefined ? undefined : { version, isChampion: true };
  }
  const before = versions.filter(
    ({ status, ...one }) => one.spec.number < spec.number && status?.signature !== undefined,
  );
  const version = latestOf(before);
  return version === undefined ? undefined : { version, isChampion: false };
}

/** The versions that are compared with this one, more or less: what of it is new wakes them. */
export function comparedWith(
  caches: Pick<Caches, 'modelAliases' | 'modelVersions'>,
  { metadata, spec }: DeepReadonly<ModelVersion>,
): readonly DeepReadonly<ModelVersion>[] {
  const { namespace = '', name } = metadata;
  if (spec.model === undefined) return [];
  const champion = championOf(caches, namespace, spec.model.name);
  const others = caches.modelVersions.byIndex('model', indexKey(namespace, spec.model.name));
  if (champion !== undefined) return champion === name ? others : [];
  return others.filter((other) => other.spec.number > spec.number);
}

function championOf(
  { modelAliases }: Pick<Caches, 'modelAliases'>,
  namespace: string,
  model: string,
): string | undefined {
  const alias = modelAliases.get({ namespace, name: modelAliasName({ name: model, alias: CHAMPION }) });
  return alias?.spec.modelVersion.name;
}

export function compatibleCondition({
  version,
  verification: { outcome },
  counterpart,
}: Pick<ObservedModelVersion, 'version' | 'verification' | 'counterpart'>): WantedCondition {
  if (counterpart === undefined) return isTrue('Compatible', NOTHING);
  const other = counterpart.version;
  if (other.metadata.name === version.metadata.name) return isTrue('Compatible', IS_CHAMPION);
  if (outcome.state !== 'succeeded') return isUnknown('Compatible', waiting('Its own signature'));
  const named = `ModelVersion "${other.metadata.name}"${counterpart.isChampion ? ` (${CHAMPION})` : ''}`;
  const before = other.status?.signature;
  const after = outcome.result.signature;
  if (after === undefined || !isOpened(other)) return isUnknown('Compatible', UNKNOWN);
  if (before === undefined) return isUnknown('Compatible', waiting(`The signature of ${named}`));
  const hidden = hiddenBySteps(other, version);
  const problems = compareSignatures(before, after, hidden);
  if (problems.length === 0) return fitting(named, hidden);
  const message = `Who calls ${named} cannot call it the same way. ${problems.join(' ')}`;
  return isFalse('Compatible', { reason: 'IncompatibleSignature', message });
}

function fitting(named: string, { inputs, outputs }: Hidden): WantedCondition {
  if (inputs === true || outputs === true) return isUnknown('Compatible', STEPS_KNOW);
  const message = `Who calls ${named} can call it the same way.`;
  return isTrue('Compatible', { reason: 'SignatureCompatible', message });
}

const UNKNOWN = {
  reason: 'SignatureUnknown',
  message: 'What a version of another format than Onnx takes, only its own runtime knows.',
};
const STEPS_KNOW = {
  reason: 'SignatureUnknown',
  message:
    'What callers send to a step before a model, and get of one after it, only those know. What else they see fits.',
};
const NOTHING = {
  reason: 'NothingToCompare',
  message: 'There is no champion and no earlier version with which to compare its signature.',
};
const IS_CHAMPION = { reason: 'NothingToCompare', message: 'It is the champion itself.' };

function waiting(what: string) {
  return { reason: 'WaitingForVerification', message: `${what} is known once the bytes are verified.` };
}
