import { keyOf, settled, watch } from '@slipway/kube';
import type { ControllerRevision, DeepReadonly, ObjectKey, Result, Scope } from '@slipway/kube';
import type { AddController } from '../../controller-registration.ts';
import type { OperatorDeps } from '../../deps.ts';
import { storeWatches } from '../../jobs/store-watches.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { readRevision } from '../inference-service/revision.ts';
import { observeModel } from './observe.ts';
import type { ObservedModel } from './observe.ts';
import { retiredNote } from './retention.ts';
import { modelStatus } from './status.ts';

/** Says which versions a Model has, and whether new ones can be published; deletes those that its retention does not keep. */
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
      // One that goes may have been the last to hold a version.
      watch(caches.controllerRevisions, (revision) => modelOfRevision(deps, revision)),
      ...storeWatches(caches, (store) => caches.models.byIndex('store', store).map(keyOf)),
    ],
    observe: (model) => observeModel(caches, model),
    drive: (observed, scope) => deleteSurplus(deps, observed, scope),
    status: (observed, { now }) => modelStatus(observed, now),
  });
};

function modelOfRevision({ caches }: OperatorDeps, revision: DeepReadonly<ControllerRevision>): readonly ObjectKey[] {
  const { namespace = '' } = revision.metadata;
  const name = readRevision(revision)?.facts.modelVersion;
  const model = name === undefined ? undefined : caches.modelVersions.get({ namespace, name })?.spec.model;
  return model === undefined ? [] : [{ namespace, name: model.name }];
}

/** Only as they were seen: one that was deleted and made again, or that somebody uses by now, is another. */
async function deleteSurplus(deps: OperatorDeps, { model, surplus }: ObservedModel, scope: Scope): Promise<Result> {
  const asked = surplus.length === 0 ? new Set() : await askedFor(deps, model, scope);
  for (const version of surplus) {
    if (asked.has(version.metadata.name)) continue;
    const { uid = '', resourceVersion = '' } = version.metadata;
    await deps.client.delete(kinds.ModelVersion, keyOf(version), { uid, resourceVersion, signal: scope.signal });
    scope.log.info({ version: version.metadata.name }, 'version deleted by retention');
    deps.events.record(model, retiredNote(model, version));
  }
  return settled();
}

/**
 * What aliases and services name now, by the API server: the finalizer of a version tells of them only once the operator has
 * seen them, and an alias that comes back to a version may be there before any cache shows it.
 */
async function askedFor(
  { client }: Pick<OperatorDeps, 'client'>,
  { metadata: { namespace = '' } }: ObservedModel['model'],
  { signal }: Scope,
): Promise<ReadonlySet<string>> {
  const aliases = await client.list(kinds.ModelAlias, { namespace, signal });
  const services = await client.list(kinds.InferenceService, { namespace, signal });
  return new Set([
    ...aliases.items.map(({ spec }) => spec.modelVersion.name),
    ...services.items.flatMap(({ spec }) => spec.modelVersion?.name ?? []),
  ]);
}
