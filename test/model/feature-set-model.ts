/** A model of one FeatureSet: the Jobs that materialise its definitions. */
import type { FeatureSet } from '@slipway/crds';
import type { Job } from '@slipway/kube';
import { addFeatureSetController } from '../../operator/src/controllers/feature-set/controller.ts';
import { definitionDigest } from '../../operator/src/controllers/feature-set/definition.ts';
import { shortHash } from '../../operator/src/names.ts';
import { aFeatureSet } from '../../operator/src/testing/data-fixtures.ts';
import { WORKLOADS } from '../../operator/src/testing/fixtures.ts';
import { objectsOfKind } from './api-model.ts';
import type { Objects } from './api-model.ts';
import { endsWith, failsWith, hasEnded, jobSteps } from './jobs.ts';
import type { JobFate } from './jobs.ts';
import { garbageCollection } from './kubernetes.ts';
import { createProgram } from './program.ts';
import { breaksOwnership, doesNotSay, isUntold, leftBehind } from './rules.ts';
import { courseOf } from './scenario.ts';
import type { Scenario, ScenarioOptions, UserStep } from './scenario.ts';
import { startingPoint, userApplies, userDeletes } from './seed.ts';

const FEATURE_SET = 'FeatureSet/weather';

export function featureSetModel(options: ScenarioOptions): Scenario {
  const { tamper } = options;
  return {
    ...courseOf(options),
    programs: [createProgram({ controller: addFeatureSetController, owner: FEATURE_SET, config: WORKLOADS, tamper })],
    initial: startingPoint([]),
    kubernetes: (api, server) => [...garbageCollection(api), ...jobSteps(api, server, fateOf)],
    remember: () => [],
    checkRequest: breaksOwnership,
    checkRest: ({ api }) => {
      const featureSet = api.get(FEATURE_SET)?.content.object as FeatureSet | undefined;
      return featureSet === undefined ? leftBehind(api) : notAsAsked(api, featureSet);
    },
  };
}

function fateOf(job: Job): JobFate {
  const request = JSON.stringify(job.spec?.template);
  if (request.includes('stuck/')) return 'hangs';
  if (request.includes('broken/')) return failsWith('FileNotFound');
  const digest = `sha256:${shortHash(job.metadata.name, 64)}`;
  return endsWith({ path: `/team/features/${job.metadata.name}`, rows: 1, bytes: 1, digest, warnings: [] });
}

/** The user wants features of these files: `stuck` never end, `broken` are not there. */
export function materialise(files: string): UserStep {
  const source = { files: { store: { name: 'default' }, path: `${files}/*.csv`, format: 'Csv' as const } };
  return userApplies(`the user asks for features of ${files}`, aFeatureSet('weather', { source }));
}

export const deleteFeatureSet = userDeletes('the user deletes the FeatureSet', FEATURE_SET);

function notAsAsked(api: Objects, featureSet: FeatureSet): string | undefined {
  return isUntold(featureSet) ?? runsUnasked(api, featureSet) ?? doesNotTell(featureSet);
}

/** At rest nothing runs, but what never ends, if that is asked for. */
function runsUnasked(api: Objects, { spec }: FeatureSet): string | undefined {
  const running = objectsOfKind<Job>(api, 'Job').filter((job) => !hasEnded(job));
  return running.length === 0 || isStuck(spec) ? undefined : `${running[0]?.metadata.name} still runs.`;
}

function isStuck({ source }: FeatureSet['spec']): boolean {
  return source.files.path.startsWith('stuck');
}

function doesNotTell(featureSet: FeatureSet): string | undefined {
  const { spec, status } = featureSet;
  if (isStuck(spec)) return doesNotSay(featureSet, 'Reconciling', 'Materializing');
  if (spec.source.files.path.startsWith('broken')) return doesNotSay(featureSet, 'Stalled');
  const isOfSpec = status?.materialization?.definition === definitionDigest(spec);
  return doesNotSay(featureSet, 'Ready') ?? (isOfSpec ? undefined : 'The status tells of another materialisation.');
}
