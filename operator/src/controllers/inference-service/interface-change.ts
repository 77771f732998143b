/** A service that changes to a version which those who call the present one cannot call the same way. */
import type { Model, ModelVersion } from '@slipway/crds';
import type { DeepReadonly, EventNote } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import type { Caches } from '../../deps.ts';
import { compareSignatures, hiddenBySteps } from '../model-version/compatibility/compare-signatures.ts';
import { isOpened } from '../model-version/format.ts';
import type { ObservedService } from './observe.ts';
import { revisionName } from './revision.ts';

/** What the change means for callers. */
export interface InterfaceChange {
  /** For people; undefined where nothing is known to be wrong. */
  readonly warning: string | undefined;
  /** Why the Model of the new version does not let it happen. */
  readonly refusal: (Reason & { readonly isFinal: boolean }) | undefined;
}

const NO_CHANGE: InterfaceChange = { warning: undefined, refusal: undefined };

/** @param serving Name of the ModelVersion that serves now. */
export function interfaceChange(
  caches: Pick<Caches, 'models' | 'modelVersions'>,
  serving: string | undefined,
  to: DeepReadonly<ModelVersion>,
): InterfaceChange {
  if (serving === undefined || serving === to.metadata.name) return NO_CHANGE;
  const { namespace = '' } = to.metadata;
  const from = caches.modelVersions.get({ namespace, name: serving });
  if (from === undefined) return NO_CHANGE;
  const { model } = to.spec;
  return judgeChange(from, to, model && caches.models.get({ namespace, name: model.name }));
}

export function judgeChange(
  from: DeepReadonly<ModelVersion>,
  to: DeepReadonly<ModelVersion>,
  model: DeepReadonly<Model> | undefined,
): InterfaceChange {
  const refuses = model?.spec.compatibility === 'Refuse';
  const before = from.status?.signature;
  const after = to.status?.signature;
  const untold = [from, to].find((version) => version.status?.signature === undefined && isOpened(version));
  if (untold !== undefined) return { warning: undefined, refusal: refuses ? unknownSignature(untold) : undefined };
  if (before === undefined || after === undefined) return NO_CHANGE;
  const problems = compareSignatures(before, after, hiddenBySteps(from, to));
  if (problems.length === 0) return NO_CHANGE;
  const words = `Who calls ModelVersion "${from.metadata.name}", which serves now, cannot call ModelVersion "${to.metadata.name}" the same way. ${problems.join(' ')}`;
  if (!refuses) return { warning: words, refusal: undefined };
  const message = `${words} Model "${model.metadata.name}" refuses that: name another version, or set spec.compatibility of the Model to Warn for a change on purpose.`;
  return { warning: words, refusal: { reason: 'VersionNotServable', message, isFinal: true } };
}

function unknownSignature({ metadata: { name } }: DeepReadonly<ModelVersion>): InterfaceChange['refusal'] {
  const message = `It waits for the signature of ModelVersion "${name}", which is known once its bytes are verified.`;
  return { reason: 'ModelVersionNotReady', message, isFinal: false };
}

/** Told before the first pod of the new version starts. */
export function changeNote({
  service,
  resolved,
  revisions,
}: Pick<ObservedService, 'service' | 'resolved' | 'revisions'>): EventNote | undefined {
  const { facts } = resolved;
  if (facts === undefined || resolved.warning === undefined) return undefined;
  const name = revisionName(service.metadata.name, facts);
  const hasBegun = revisions.some((revision) => revision.name === name && revision.deployment !== undefined);
  if (hasBegun) return undefined;
  const { warning: message } = resolved;
  return { type: 'Warning', reason: 'IncompatibleSignature', message, action: 'ChangingVersion' };
}
