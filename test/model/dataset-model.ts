/** A model of one Dataset: the Jobs that build it, and the versions that come of them. */
import type { Dataset, DatasetVersion } from '@slipway/crds';
import type { Job } from '@slipway/kube';
import { addDatasetController } from '../../operator/src/controllers/dataset/controller.ts';
import { recipeDigest } from '../../operator/src/controllers/dataset/recipe.ts';
import { shortHash } from '../../operator/src/names.ts';
import { aDataset } from '../../operator/src/testing/data-fixtures.ts';
import { WORKLOADS } from '../../operator/src/testing/fixtures.ts';
import { objectsOfKind } from './api-model.ts';
import type { Objects } from './api-model.ts';
import { endsWith, hasEnded, jobSteps } from './jobs.ts';
import type { JobFate } from './jobs.ts';
import { garbageCollection } from './kubernetes.ts';
import { createProgram } from './program.ts';
import { breaksOwnership, doesNotSay, isUntold, leftBehind } from './rules.ts';
import { courseOf } from './scenario.ts';
import type { Scenario, ScenarioOptions, UserStep } from './scenario.ts';
import { startingPoint, userApplies, userDeletes } from './seed.ts';
import { breaksVersions, versionsEver } from './version-rules.ts';

const DATASET = 'Dataset/flights';
/** Files whose build never ends. */
const STUCK = 'stuck';

export function datasetModel(options: ScenarioOptions): Scenario {
  const { tamper } = options;
  return {
    ...courseOf(options),
    programs: [createProgram({ controller: addDatasetController, owner: DATASET, config: WORKLOADS, tamper })],
    initial: startingPoint([]),
    kubernetes: (api, server) => [...garbageCollection(api), ...jobSteps(api, server, fateOf)],
    remember: (api) => versionsEver(api, 'DatasetVersion'),
    checkRequest: (request, before, after) =>
      breaksOwnership(request, before, after) ??
      breaksVersions('DatasetVersion', request, before, after) ??
      repeatsRecipe(after),
    checkRest: ({ api, memory }) => {
      const dataset = api.get(DATASET)?.content.object as Dataset | undefined;
      return dataset === undefined ? leftBehind(api) : notAsAsked(api, dataset, memory);
    },
  };
}

function repeatsRecipe(after: Objects): string | undefined {
  const recipes = objectsOfKind<DatasetVersion>(after, 'DatasetVersion').map(({ spec }) => spec.recipe);
  return new Set(recipes).size === recipes.length ? undefined : 'There are two versions of one recipe.';
}

function fateOf(job: Job): JobFate {
  if (JSON.stringify(job.spec?.template).includes(STUCK)) return 'hangs';
  const digest = `sha256:${shortHash([job.metadata.uid], 64)}`;
  const rows = { train: 1, validation: 1, test: 1 };
  return endsWith({ path: `/team/datasets/${digest.slice(-6)}`, digest, bytes: 1, rows, dropped: {}, warnings: [] });
}

/** The user wants a Dataset of these files. */
export function build(files: string): UserStep {
  const { rows } = aDataset().spec;
  const source = { ...rows.files, path: `${files}/*.csv` };
  return userApplies(
    `the user asks for a Dataset of ${files}`,
    aDataset({ rows: { ...rows, files: source }, features: [] }),
  );
}

export const buildStuck = build(STUCK);
export const deleteDataset = userDeletes('the user deletes the Dataset', DATASET);

export function isVersionShown(api: Objects): boolean {
  return (api.get(DATASET)?.content.object as Dataset | undefined)?.status?.latest !== undefined;
}

function notAsAsked(api: Objects, dataset: Dataset, memory: readonly string[]): string | undefined {
  return isUntold(dataset) ?? runsUnasked(api, dataset) ?? doesNotTell(api, dataset, memory);
}

/** At rest nothing runs, but what never ends, if that is asked for. */
function runsUnasked(api: Objects, { spec }: Dataset): string | undefined {
  const running = objectsOfKind<Job>(api, 'Job').filter((job) => !hasEnded(job));
  return running.length === 0 || isStuck(spec) ? undefined : `${running[0]?.metadata.name} still runs.`;
}

function isStuck({ rows }: Dataset['spec']): boolean {
  return rows.files.path.startsWith(STUCK);
}

function doesNotTell(api: Objects, dataset: Dataset, memory: readonly string[]): string | undefined {
  if (isStuck(dataset.spec)) return doesNotSay(dataset, 'Reconciling', 'Building');
  const versions = objectsOfKind<DatasetVersion>(api, 'DatasetVersion');
  const version = versions.find(({ spec }) => spec.recipe === recipeDigest(dataset.spec));
  if (version === undefined)
    return memory.length === 0 ? 'There is no version.' : doesNotSay(dataset, 'Stalled', 'VersionDeleted');
  const isLatest = dataset.status?.latest?.name === version.metadata.name;
  return doesNotSay(dataset, 'Ready', 'Built') ?? (isLatest ? undefined : 'The status names another version.');
}
