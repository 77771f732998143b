/** Whether all that an evaluation reads is there, and what exactly it is: pinned before its Job starts. */
import { modelAliasName } from '@slipway/crds';
import type { DatasetVersion, Model, ModelAlias, ModelEvaluation, ModelVersion, Store } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { indexKey } from '../../../caches.ts';
import type { Reason } from '../../../conditions.ts';
import type { Caches } from '../../../deps.ts';
import { findStore } from '../../../jobs/find-store.ts';
import { latestOf } from '../../model/status.ts';
import { isOpened } from '../format.ts';

export interface StoredVersion {
  readonly version: DeepReadonly<ModelVersion>;
  readonly store: DeepReadonly<Store>;
}

/** What an alias meant; no version where there was no such alias. */
export interface Champion {
  readonly alias: string;
  readonly meant: StoredVersion | undefined;
}

export interface ReadyInputs {
  readonly candidate: StoredVersion;
  readonly champions: readonly Champion[];
  readonly dataset: { readonly version: DeepReadonly<DatasetVersion>; readonly store: DeepReadonly<Store> };
  /** Gets the full report. */
  readonly output: DeepReadonly<Store>;
}

export type ResolvedInputs =
  | { readonly ready: ReadyInputs; readonly problem?: undefined }
  | { readonly ready?: undefined; readonly problem: Reason };

type InputCaches = Pick<
  Caches,
  'stores' | 'claims' | 'datasets' | 'datasetVersions' | 'modelAliases' | 'modelVersions'
>;
type Found<T> =
  | { readonly found: T; readonly problem?: undefined }
  | { readonly found?: undefined; readonly problem: Reason };

interface Asked {
  readonly model: DeepReadonly<Model>;
  readonly evaluation: DeepReadonly<ModelEvaluation>;
}

/** The first problem in this order is what people read. */
export function resolveInputs(
  caches: InputCaches,
  version: DeepReadonly<ModelVersion>,
  { model, evaluation }: Asked,
): ResolvedInputs {
  const { namespace = '' } = model.metadata;
  const output = findStore(caches, { namespace, name: model.spec.store.name, access: 'write' });
  if (output.problem !== undefined) return output;
  const candidate = stored(caches, version);
  if (candidate.problem !== undefined) return candidate;
  const dataset = findDataset(caches, namespace, evaluation.dataset.name);
  if (dataset.problem !== undefined) return dataset;
  const champions: Champion[] = [];
  for (const alias of evaluation.rescore) {
    const champion = findChampion(caches, model, alias);
    if (champion.problem !== undefined) return champion;
    champions.push(champion.found);
  }
  return { ready: { candidate: candidate.found, champions, dataset: dataset.found, output: output.store } };
}

function stored(caches: InputCaches, version: DeepReadonly<ModelVersion>): Found<StoredVersion> {
  const { metadata, spec } = version;
  const { namespace = '', name } = metadata;
  const { format } = spec.artifact;
  if (!isOpened(version)) {
    const message = `ModelVersion "${name}" is in the format ${format}, and only models in Onnx can be evaluated. Take spec.evaluation and the gates that read it out of the Model, or make the version in Onnx.`;
    return { problem: { reason: 'FormatNotEvaluated', message } };
  }
  const { store, problem } = findStore(caches, { namespace, name: spec.artifact.store.name, access: 'read' });
  return problem === undefined ? { found: { version, store } } : { problem };
}

/** The newest version counts, also while a changed recipe is being built. */
function findDataset(caches: InputCaches, namespace: string, name: string): Found<ReadyInputs['dataset']> {
  const versions = caches.datasetVersions
    .byIndex('dataset', indexKey(namespace, name))
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const version = latestOf(versions);
  if (version === undefined) return { problem: noDatasetVersion(caches, namespace, name) };
  const { store, problem } = findStore(caches, { namespace, name: version.spec.artifact.store.name, access: 'read' });
  return problem === undefined ? { found: { version, store } } : { problem };
}

function noDatasetVersion(caches: InputCaches, namespace: string, name: string): Reason {
  if (caches.datasets.get({ namespace, name }) === undefined) {
    const message = `There is no Dataset "${name}" in namespace "${namespace}", which spec.evaluation of the Model names. Create it, or correct the name.`;
    return { reason: 'DatasetNotFound', message };
  }
  return {
    reason: 'WaitingForDataset',
    message: `It waits for a version of Dataset "${name}", with which it is evaluated.`,
  };
}

/** An alias that is there and means nothing usable is no missing champion: a gate that passes without one must not pass then. */
function findChampion(caches: InputCaches, { metadata }: DeepReadonly<Model>, alias: string): Found<Champion> {
  const { namespace = '', name: model } = metadata;
  const object = caches.modelAliases.get({ namespace, name: modelAliasName({ name: model, alias }) });
  if (object === undefined) return { found: { alias, meant: undefined } };
  const version = caches.modelVersions.get({ namespace, name: object.spec.modelVersion.name });
  if (version === undefined) return { problem: noChampion(object) };
  if (version.spec.model?.name !== model) return { problem: foreignChampion(object, model) };
  const { found, problem } = stored(caches, version);
  return problem === undefined ? { found: { alias, meant: found } } : { problem };
}

function noChampion({ metadata, spec }: DeepReadonly<ModelAlias>): Reason {
  const message = `It is compared with what ModelAlias "${metadata.name}" means, and there is no ModelVersion "${spec.modelVersion.name}". Move the alias.`;
  return { reason: 'ModelVersionNotFound', message };
}

function foreignChampion({ metadata, spec }: DeepReadonly<ModelAlias>, model: string): Reason {
  const message = `It is compared with what ModelAlias "${metadata.name}" means, and ModelVersion "${spec.modelVersion.name}" is no version of Model "${model}". Move the alias.`;
  return { reason: 'ModelMismatch', message };
}
