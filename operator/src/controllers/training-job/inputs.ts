/** Whether all that an attempt needs is there, and which DatasetVersion it learns from: decided before it starts. */
import type { Dataset, DatasetVersion, Model, TrainingJob } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import type { FoundStore } from '../../jobs/find-store.ts';
import { versionOfRecipe } from '../dataset/observe.ts';
import { recipeDigest } from '../dataset/recipe.ts';
import type { TrainingInputs } from './build-training-pod.ts';
import { parameterProblem } from './parameters.ts';

export interface InputCandidates {
  readonly trainingJob: DeepReadonly<TrainingJob>;
  readonly codeIsThere: boolean;
  readonly model: DeepReadonly<Model> | undefined;
  readonly modelStore: FoundStore | undefined;
  readonly dataset: DeepReadonly<Dataset> | undefined;
  readonly wantedVersion: WantedVersion;
  readonly datasetStore: FoundStore | undefined;
}

/** The DatasetVersion that was asked for, found or not; `name` is undefined where `Latest` means none yet. */
export interface WantedVersion {
  readonly name: string | undefined;
  readonly version: DeepReadonly<DatasetVersion> | undefined;
}

export type ResolvedInputs =
  | { readonly ready: TrainingInputs; readonly problem?: undefined }
  /** `invalid`: only a change of the spec helps. */
  | { readonly ready?: undefined; readonly problem: Reason; readonly invalid: boolean };

type InputCheck = (candidates: InputCandidates) => Reason | undefined;

/** Order matters: the first failing check is the reason that people see. Mistakes in the YAML come before what is waited for. */
const inputChecks: readonly InputCheck[] = [
  codeExists,
  modelExists,
  ({ modelStore }) => modelStore?.problem, // nothing could be published
  datasetExists,
  versionExists,
  ({ datasetStore }) => datasetStore?.problem, // the rows could not be read
];

export function resolveInputs(candidates: InputCandidates): ResolvedInputs {
  const invalid = parameterProblem(candidates.trainingJob.spec.parameters);
  if (invalid !== undefined) return { problem: invalid, invalid: true };
  for (const check of inputChecks) {
    const problem = check(candidates);
    if (problem !== undefined) return { problem, invalid: false };
  }
  const { modelStore, datasetStore, wantedVersion: wanted } = candidates;
  if (modelStore?.store === undefined || datasetStore?.store === undefined || wanted.version === undefined) {
    throw new Error('the checks let a missing input pass');
  }
  return {
    ready: { datasetVersion: wanted.version, datasetStore: datasetStore.store, modelStore: modelStore.store },
  };
}

/**
 * Which DatasetVersion to learn from. `pinned` is what an attempt at the same spec took before: a run keeps its data, also
 * when the cluster takes its pods away. `Latest` is the version of the recipe that the Dataset has now, so that a Dataset and
 * a TrainingJob that are applied together are not trained on what was there before.
 */
export function wantedVersion(
  { name, version }: DeepReadonly<TrainingJob>['spec']['dataset'],
  dataset: DeepReadonly<Dataset> | undefined,
  context: { readonly versions: readonly DeepReadonly<DatasetVersion>[]; readonly pinned: string | undefined },
): WantedVersion {
  const asked = context.pinned ?? (version === 'Latest' ? undefined : version);
  if (asked !== undefined) {
    const found = context.versions.find(
      (one) =>
        one.metadata.name === asked && one.spec.dataset.name === name && one.metadata.deletionTimestamp === undefined,
    );
    return { name: asked, version: found };
  }
  const latest = dataset === undefined ? undefined : versionOfRecipe(context.versions, recipeDigest(dataset.spec));
  return { name: latest?.metadata.name, version: latest };
}

function codeExists({ trainingJob: { metadata, spec }, codeIsThere }: InputCandidates): Reason | undefined {
  if (codeIsThere) return undefined;
  const message = `There is no ConfigMap "${spec.code?.configMap.name}" in namespace "${metadata.namespace}", which spec.code names. Create it with the files of the training.`;
  return { reason: 'CodeNotFound', message };
}

function modelExists({ trainingJob: { metadata, spec }, model }: InputCandidates): Reason | undefined {
  if (model !== undefined) return undefined;
  const message = `There is no Model "${spec.output.model.name}" in namespace "${metadata.namespace}", which spec.output names. Create it.`;
  return { reason: 'ModelNotFound', message };
}

/** A version that is named needs no Dataset: it outlives the one that made it. */
function datasetExists({
  trainingJob: { metadata, spec },
  dataset,
  wantedVersion: wanted,
}: InputCandidates): Reason | undefined {
  if (dataset !== undefined || wanted.name !== undefined) return undefined;
  const message = `There is no Dataset "${spec.dataset.name}" in namespace "${metadata.namespace}", whose latest version spec.dataset asks for. Create it, or name a DatasetVersion.`;
  return { reason: 'DatasetNotFound', message };
}

function versionExists({ trainingJob, dataset, wantedVersion: wanted }: InputCandidates): Reason | undefined {
  if (wanted.version !== undefined) return undefined;
  const { name } = trainingJob.spec.dataset;
  if (wanted.name !== undefined) {
    const message = `There is no DatasetVersion "${wanted.name}" of Dataset "${name}" in namespace "${trainingJob.metadata.namespace}". Name another one, or Latest.`;
    return { reason: 'DatasetVersionNotFound', message };
  }
  const stalled = dataset?.status?.conditions?.find(({ type, status }) => type === 'Stalled' && status === 'True');
  if (stalled !== undefined) {
    return { reason: 'DatasetNotReady', message: `Dataset "${name}" has no version of its recipe: ${stalled.message}` };
  }
  return { reason: 'WaitingForDataset', message: `It waits for a version of the present recipe of Dataset "${name}".` };
}
