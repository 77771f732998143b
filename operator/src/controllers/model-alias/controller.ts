import { keyOf, settled, watch } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { AddController } from '../../controller-registration.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { signingWatches } from '../../signature.ts';
import { moveNote } from './history.ts';
import { observeModelAlias } from './observe.ts';
import { modelAliasStatus } from './status.ts';

/** Says whether an alias means a version of its Model, how far its signature can be believed, and what it meant before. */
export const addModelAliasController: AddController = (manager, deps) => {
  const { caches } = deps;
  const { modelAliases } = caches;
  addKindController(manager, deps, {
    name: 'model-alias.lifecycle',
    kind: kinds.ModelAlias,
    cache: modelAliases,
    watches: [
      watch(caches.models, ({ metadata: { namespace, name } }) =>
        modelAliases.byIndex('model', indexKey(namespace, name)).map(keyOf),
      ),
      watch(caches.modelVersions, ({ metadata: { namespace, name } }) =>
        modelAliases.byIndex('modelVersion', indexKey(namespace, name)).map(keyOf),
      ),
      ...signingWatches(caches.signing, modelAliases),
    ],
    observe: (alias) => observeModelAlias(caches, alias),
    drive: async (observed) => {
      const note = moveNote(observed);
      if (note !== undefined) deps.events.record(observed.alias, note);
      return settled();
    },
    status: (observed, { now }) => modelAliasStatus(observed, now),
  });
};
