/** Models of the kinds that make nothing, and only say in their status how things are. */
import { addDatasetVersionController } from '../../operator/src/controllers/dataset-version/controller.ts';
import { addModelController } from '../../operator/src/controllers/model/controller.ts';
import { addStoreController } from '../../operator/src/controllers/store/controller.ts';
import { aDatasetVersion, aModel } from '../../operator/src/testing/data-fixtures.ts';
import { aClaim, aModelVersion, aStore, WORKLOADS } from '../../operator/src/testing/fixtures.ts';
import type { Model } from '@slipway/crds';
import type { KubeObject } from '@slipway/kube';
import { idOf } from './api-model.ts';
import { createProgram } from './program.ts';
import { doesNotSay, isUntold } from './rules.ts';
import { courseOf } from './scenario.ts';
import type { Scenario, ScenarioOptions } from './scenario.ts';
import { startingPoint, userApplies, userDeletes } from './seed.ts';

const CONTROLLERS = {
  Store: addStoreController,
  Model: addModelController,
  DatasetVersion: addDatasetVersionController,
};
const OBJECTS = { Store: aStore(), Model: aModel(), DatasetVersion: aDatasetVersion() };

export interface RecordModelOptions extends ScenarioOptions {
  readonly kind: keyof typeof CONTROLLERS;
}

export function recordModel(options: RecordModelOptions): Scenario {
  const { kind, tamper } = options;
  const owner = idOf(OBJECTS[kind]);
  return {
    ...courseOf(options),
    programs: [createProgram({ controller: CONTROLLERS[kind], owner, config: WORKLOADS, tamper })],
    initial: startingPoint([]),
    kubernetes: () => [],
    remember: () => [],
    checkRequest: () => undefined,
    checkRest: ({ api }) => {
      const object = api.get(owner)?.content.object as Model | undefined;
      if (object === undefined) return undefined;
      // A Store and what is kept in one need the claim; a DatasetVersion is complete when it is written.
      const isUsable =
        kind === 'DatasetVersion' || (api.has('Store/default') && api.has('PersistentVolumeClaim/models'));
      return isUntold(object) ?? doesNotSay(object, isUsable ? 'Ready' : 'Reconciling');
    },
  };
}

function applies(object: KubeObject) {
  return userApplies(`the user applies ${idOf(object)}`, object);
}

export const makes = {
  Store: applies(OBJECTS.Store),
  Model: applies(OBJECTS.Model),
  DatasetVersion: applies(OBJECTS.DatasetVersion),
};
export const deletesClaim = userDeletes('the user deletes the claim', idOf(aClaim()));
export const deletesStore = userDeletes('the user deletes the Store', 'Store/default');
export const makesModelVersion = applies(aModelVersion());
