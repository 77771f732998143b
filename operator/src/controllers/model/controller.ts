import { keyOf, watch } from '@slipway/kube';
import type { AddController } from '../../controller-registration.ts';
import { storeWatches } from '../../jobs/store-watches.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { observeModel } from './observe.ts';
import { modelStatus } from './status.ts';

/** Says which versions a Model has, and whether new ones can be published. It makes nothing: a Model is a name. */
export const addModelController: AddController = (manager, deps) => {
  const { caches } = deps;
  addKindController(manager, deps, {
    name: 'model.lifecycle',
    kind: kinds.Model,
    cache: caches.models,
    watches: [
      watch(caches.modelVersions, ({ metadata: { namespace = '' }, spec: { model } }) =>
        model === undefined ? [] : [{ namespace, name: model.name }],
      ),
      ...storeWatches(caches, (store) => caches.models.byIndex('store', store).map(keyOf)),
    ],
    observe: (model) => observeModel(caches, model),
    status: (observed, { now }) => modelStatus(observed, now),
  });
};
