import type { WantedCondition } from '@slipway/kube';
import { inProgress, ready, stalled } from '../../conditions.ts';
import type { ObservedModelAlias } from './observe.ts';

/** The first that is wrong is what people read. */
export function aliasConditions(observed: ObservedModelAlias): WantedCondition[] {
  const { alias, model, version } = observed;
  const { spec } = alias;
  const wanted = spec.modelVersion.name;
  if (model === undefined) {
    const message = `There is no Model "${spec.model.name}" in this namespace. Create it, or delete the alias.`;
    return inProgress({ reason: 'ModelNotFound', message });
  }
  if (version === undefined) {
    const message = `There is no ModelVersion "${wanted}" in this namespace. Create it, or name another one in spec.modelVersion.`;
    return inProgress({ reason: 'ModelVersionNotFound', message });
  }
  if (version.spec.model?.name !== spec.model.name) {
    const message = `ModelVersion "${wanted}" is a version of ${modelOf(observed)}. Name a version of Model "${spec.model.name}" in spec.modelVersion.`;
    return stalled({ reason: 'ModelMismatch', message });
  }
  if (version.metadata.deletionTimestamp !== undefined) {
    const message = `ModelVersion "${wanted}" is being deleted. Name another one in spec.modelVersion.`;
    return inProgress({ reason: 'ModelVersionNotReady', message });
  }
  const message = `${spec.alias} of Model "${spec.model.name}" is ModelVersion "${wanted}".`;
  return ready({ reason: 'Resolved', message });
}

function modelOf({ version }: ObservedModelAlias): string {
  const name = version?.spec.model?.name;
  return name === undefined ? 'no Model, since it has no spec.model' : `Model "${name}"`;
}
