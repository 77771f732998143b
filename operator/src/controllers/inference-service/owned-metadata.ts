import type { InferenceService } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { ownedLabels } from '../../labels.ts';

/** Of what the operator makes for a service. */
export function ownedMetadata(owner: DeepReadonly<InferenceService>, name: string) {
  const labels = ownedLabels({ kind: 'InferenceService', name: owner.metadata.name });
  return { name, namespace: owner.metadata.namespace ?? '', labels };
}
