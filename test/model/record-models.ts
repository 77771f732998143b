/** Models of the kinds that make nothing, and only say in their status how things are. */
import { addApprovalController } from '../../operator/src/controllers/approval/controller.ts';
import { addDatasetVersionController } from '../../operator/src/controllers/dataset-version/controller.ts';
import { addModelAliasController } from '../../operator/src/controllers/model-alias/controller.ts';
import { addModelController } from '../../operator/src/controllers/model/controller.ts';
import { addStoreController } from '../../operator/src/controllers/store/controller.ts';
import { aDatasetVersion, aModel, aModelAlias, anApproval } from '../../operator/src/testing/data-fixtures.ts';
import { aClaim, aModelVersion, aStore, WORKLOADS } from '../../operator/src/testing/fixtures.ts';
import type { Model, ModelAlias } from '@slipway/crds';
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
  Approval: addApprovalController,
  ModelAlias: addModelAliasController,
};
const OBJECTS = {
  Store: aStore(),
  Model: aModel(),
  DatasetVersion: aDatasetVersion(),
  Approval: anApproval(),
  ModelAlias: aModelAlias(),
};

/** What each needs to be Ready. A DatasetVersion is complete when it is written. */
const NEEDS: Readonly<Record<keyof typeof OBJECTS, (object: KubeObject) => readonly string[]>> = {
  Store: () => ['Store/default', 'PersistentVolumeClaim/models'],
  Model: () => ['Store/default', 'PersistentVolumeClaim/models'],
  DatasetVersion: () => [],
  Approval: () => ['ModelVersion/delay-1'],
  ModelAlias: (alias) => ['Model/delay', `ModelVersion/${(alias as ModelAlias).spec.modelVersion.name}`],
};

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
      const isUsable = NEEDS[kind](object).every((id) => api.has(id));
      return isUntold(object) ?? doesNotSay(object, isUsable ? 'Ready' : 'Reconciling') ?? misremembers(object);
    },
  };
}

/** The history of an alias begins with what it means now, and tells of each move once. */
function misremembers(object: Pick<ModelAlias, 'spec' | 'status'> | Model): string | undefined {
  if (!('alias' in object.spec)) return undefined;
  const told = (object as ModelAlias).status?.history?.map(({ modelVersion }) => modelVersion) ?? [];
  const isTwice = told.some((name, index) => name === told[index + 1]);
  if (told[0] === object.spec.modelVersion.name && !isTwice) return undefined;
  return `It means ${object.spec.modelVersion.name}, and its history is [${told.join()}].`;
}

function applies(object: KubeObject) {
  return userApplies(`the user applies ${idOf(object)}`, object);
}

export const makes = {
  Store: applies(OBJECTS.Store),
  Model: applies(OBJECTS.Model),
  DatasetVersion: applies(OBJECTS.DatasetVersion),
  Approval: applies(OBJECTS.Approval),
  ModelAlias: applies(OBJECTS.ModelAlias),
};
export const deletesClaim = userDeletes('the user deletes the claim', idOf(aClaim()));
export const deletesStore = userDeletes('the user deletes the Store', 'Store/default');
export const makesModelVersion = applies(aModelVersion());
export const makesVersionOfModel = applies(versionOfModel('delay-1'));
export const makesNextVersion = applies(versionOfModel('delay-2'));
export const deletesVersion = userDeletes('the user deletes the version', 'ModelVersion/delay-1');
export const deletesModel = userDeletes('the user deletes the Model', 'Model/delay');
export const movesAlias = userApplies(
  'the user moves the alias',
  aModelAlias({ modelVersion: { name: 'delay-2' }, by: 'ana' }),
);

function versionOfModel(name: string): KubeObject {
  const { spec, ...version } = aModelVersion(name);
  return { ...version, spec: { ...spec, model: { name: 'delay' } } } as KubeObject;
}
