import type { Model, ModelAlias, ModelVersion, Signature } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Caches } from '../../deps.ts';
import { checkedSince, signatureOf } from '../../signature.ts';

export interface ObservedModelAlias {
  readonly alias: DeepReadonly<ModelAlias>;
  readonly model: DeepReadonly<Model> | undefined;
  /** The version that it means. */
  readonly version: DeepReadonly<ModelVersion> | undefined;
  readonly signature: Signature;
}

export function observeModelAlias(
  caches: Pick<Caches, 'models' | 'modelVersions' | 'signing'>,
  alias: DeepReadonly<ModelAlias>,
): ObservedModelAlias {
  const { namespace = '' } = alias.metadata;
  return {
    alias,
    model: caches.models.get({ namespace, name: alias.spec.model.name }),
    version: caches.modelVersions.get({ namespace, name: alias.spec.modelVersion.name }),
    signature: signatureOf(alias, checkedSince(caches.signing)),
  };
}
