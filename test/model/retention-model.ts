/** A model of one Model whose retention keeps one version, and of what still names the other. */
import type { InferenceService, Model, ModelAlias, ModelVersion } from '@slipway/crds';
import { addModelController } from '../../operator/src/controllers/model/controller.ts';
import { aModel, aModelAlias } from '../../operator/src/testing/data-fixtures.ts';
import { aModelVersion, anInferenceService, NOW, WORKLOADS } from '../../operator/src/testing/fixtures.ts';
import { objectsOfKind } from './api-model.ts';
import type { Objects } from './api-model.ts';
import { createProgram } from './program.ts';
import type { Request } from './requests.ts';
import { courseOf } from './scenario.ts';
import type { Scenario, ScenarioOptions } from './scenario.ts';
import { startingPoint, userApplies } from './seed.ts';
import type { State } from './state.ts';

const OLD = 'delay-1';

export function retentionModel(options: ScenarioOptions): Scenario {
  const { tamper } = options;
  return {
    ...courseOf(options),
    programs: [createProgram({ controller: addModelController, owner: 'Model/delay', config: WORKLOADS, tamper })],
    initial: startingPoint([aModel(), passed(1), passed(2), meaning('delay-2')]),
    kubernetes: () => [],
    remember: () => [],
    checkRequest: takesNamedVersion,
    checkRest: ({ api }) => {
      const model = api.get('Model/delay')?.content.object as Model | undefined;
      const isKept = model?.spec.retention === undefined || namesIn(api).includes(OLD);
      if (api.has(`ModelVersion/${OLD}`) !== isKept) return `${OLD} ${isKept ? 'has gone' : 'is still there'}.`;
      return api.has('ModelVersion/delay-2') ? undefined : 'The newest version has gone.';
    },
  };
}

function passed(number: number): ModelVersion {
  const version = aModelVersion(`delay-${number}`, {}, { model: { name: 'delay' }, number });
  const conditions = ['Ready', 'GatesPassed', 'Approved'].map((type) => {
    return { type, status: 'True' as const, reason: 'r', message: 'm', lastTransitionTime: NOW.toISOString() };
  });
  return { ...version, status: { conditions } };
}

function meaning(name: string): ModelAlias {
  return aModelAlias({ modelVersion: { name } });
}

export const keepsOne = userApplies('the user keeps one version', aModel({ retention: { keepLast: 1 } }));
export const movesBack = userApplies('the alias comes back to the old version', meaning(OLD));
export const servesOld = userApplies(
  'a service asks for the old version',
  anInferenceService({ modelVersion: { name: OLD } }),
);

function namesIn(api: Objects): readonly (string | undefined)[] {
  return [
    ...objectsOfKind<ModelAlias>(api, 'ModelAlias').map(({ spec }) => spec.modelVersion.name),
    ...objectsOfKind<InferenceService>(api, 'InferenceService').map(({ spec }) => spec.modelVersion?.name),
  ];
}

function takesNamedVersion({ verb, id }: Request, { api }: State): string | undefined {
  const isNamed = verb === 'delete' && namesIn(api).some((name) => id === `ModelVersion/${name}`);
  return isNamed ? `${id} goes, which is named.` : undefined;
}
