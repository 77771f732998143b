/** Who uses a ModelVersion, and so keeps it: the condition `InUse`, on which an admission policy refuses to delete it. */
import type { ModelVersion } from '@slipway/crds';
import { controllerOf } from '@slipway/kube';
import type { DeepReadonly, WantedCondition } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import { isFalse, isTrue } from '../../conditions.ts';
import type { Caches } from '../../deps.ts';

/** So many are named; a message is cut after 1,024 bytes. */
const MOST_NAMED = 10;

/** Kind and name of each, sorted. */
export function usersOf(
  caches: Pick<Caches, 'inferenceServices' | 'deployments' | 'modelAliases'>,
  version: DeepReadonly<ModelVersion>,
): readonly string[] {
  const { namespace = '', name } = version.metadata;
  const aliases = caches.modelAliases
    .byIndex('modelVersion', indexKey(namespace, name))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ metadata }) => `ModelAlias ${metadata.name}`);
  const services = servicesOf(caches, version).map((service) => `InferenceService ${service}`);
  return [...new Set([...aliases, ...services])].sort();
}

/**
 * A service uses a version while its spec names it, and while it has a Deployment of a revision of it (the old one of a
 * change). A service that is gone uses nothing, even if its Deployment is still there for a moment.
 */
function servicesOf(
  caches: Pick<Caches, 'inferenceServices' | 'deployments'>,
  version: DeepReadonly<ModelVersion>,
): readonly string[] {
  const { namespace = '', name } = version.metadata;
  const key = indexKey(namespace, name);
  const asked = caches.inferenceServices
    .byIndex('modelVersion', key)
    .filter((service) => service.metadata.deletionTimestamp === undefined)
    .map((service) => service.metadata.name);
  const served = caches.deployments.byIndex('modelVersion', key).flatMap((deployment) => {
    const controller = controllerOf(deployment);
    if (controller?.kind !== 'InferenceService') return [];
    const service = caches.inferenceServices.get({ namespace, name: controller.name });
    return service?.metadata.uid === controller.uid ? [controller.name] : [];
  });
  return [...asked, ...served];
}

export function inUse(users: readonly string[]): WantedCondition {
  if (users.length === 0) {
    return isFalse('InUse', { reason: 'NotUsed', message: 'No InferenceService and no ModelAlias uses it.' });
  }
  const reason = users.some((user) => user.startsWith('InferenceService ')) ? 'Serving' : 'Aliased';
  return isTrue('InUse', { reason, message: `Used by ${namesOf(users)}.` });
}

/** The first of them, for a sentence. */
export function namesOf(users: readonly string[]): string {
  const named = users.slice(0, MOST_NAMED).join(', ');
  return users.length <= MOST_NAMED ? named : `${named} and ${users.length - MOST_NAMED} more`;
}
