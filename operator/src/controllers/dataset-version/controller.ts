import type { AddController } from '../../controller-registration.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { datasetVersionStatus } from './status.ts';

/** A DatasetVersion is a record: it is complete when it is written. */
export const addDatasetVersionController: AddController = (manager, deps) => {
  addKindController(manager, deps, {
    name: 'dataset-version.lifecycle',
    kind: kinds.DatasetVersion,
    cache: deps.caches.datasetVersions,
    observe: (version) => version,
    status: (version, { now }) => datasetVersionStatus(version, now),
  });
};
