import { settled, writeStatus } from '@slipway/kube';
import type { ObjectKey, Result, Scope } from '@slipway/kube';
import type { AddController } from '../../controller-registration.ts';
import { fieldManagerOf } from '../../deps.ts';
import type { OperatorDeps } from '../../deps.ts';
import { kinds } from '../../kinds.ts';
import { datasetVersionStatus } from './status.ts';

const NAME = 'dataset-version.lifecycle';

/** A DatasetVersion is a record: it is complete when it is written. */
export const addDatasetVersionController: AddController = (manager, deps) => {
  manager.addController({
    name: NAME,
    for: deps.caches.datasetVersions,
    reconcile: (key, scope) => reconcileDatasetVersion(deps, key, scope),
  });
};

async function reconcileDatasetVersion(deps: OperatorDeps, key: ObjectKey, scope: Scope): Promise<Result> {
  const version = deps.caches.datasetVersions.get(key);
  if (version === undefined || version.metadata.deletionTimestamp !== undefined) return settled();
  const status = datasetVersionStatus(version, deps.clock.now());
  const statusDeps = { client: deps.client, kind: kinds.DatasetVersion, fieldManager: fieldManagerOf(NAME) };
  await writeStatus(statusDeps, version, status, scope);
  return settled();
}
