/** The kinds of Slipway, and the words by which people call them. */
import {
  approvalDefinition,
  datasetDefinition,
  datasetVersionDefinition,
  featureSetDefinition,
  GROUP,
  inferenceServiceDefinition,
  KINDS,
  modelAliasDefinition,
  modelDefinition,
  modelRolloutDefinition,
  modelVersionDefinition,
  storeDefinition,
  trafficRouteDefinition,
  trainingJobDefinition,
  VERSION,
} from '@slipway/crds';
import type {
  Approval,
  Condition,
  Dataset,
  DatasetVersion,
  FeatureSet,
  InferenceService,
  KindDefinition,
  Model,
  ModelAlias,
  ModelRollout,
  ModelVersion,
  Store,
  TrafficRoute,
  TrainingJob,
} from '@slipway/crds';
import { defineKind } from '@slipway/kube';
import type { KubeKind, KubeObject } from '@slipway/kube';
import { didYouMean } from '../did-you-mean.ts';
import { UsageError } from '../errors.ts';

export const kinds = {
  InferenceService: ours<InferenceService>(inferenceServiceDefinition),
  ModelRollout: ours<ModelRollout>(modelRolloutDefinition),
  ModelVersion: ours<ModelVersion>(modelVersionDefinition),
  ModelAlias: ours<ModelAlias>(modelAliasDefinition),
  Approval: ours<Approval>(approvalDefinition),
  Model: ours<Model>(modelDefinition),
  TrainingJob: ours<TrainingJob>(trainingJobDefinition),
  DatasetVersion: ours<DatasetVersion>(datasetVersionDefinition),
  Dataset: ours<Dataset>(datasetDefinition),
  FeatureSet: ours<FeatureSet>(featureSetDefinition),
  Store: ours<Store>(storeDefinition),
} as const;
export type KindName = keyof typeof kinds;

/** Internal, and so no kind that people name; but it says where requests go. */
export const trafficRouteKind = ours<TrafficRoute>(trafficRouteDefinition);

/** An object of any of our kinds, as far as all of them are the same. */
export interface SlipwayObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: {
    readonly observedGeneration?: number | undefined;
    readonly conditions?: readonly Condition[] | undefined;
  };
}

/** What people say instead of the plural: the first is the one that this command uses itself. */
const SHORT_WORDS: Readonly<Record<KindName, readonly [string, ...string[]]>> = {
  InferenceService: ['services', 'service'],
  ModelRollout: ['rollouts', 'rollout'],
  ModelVersion: ['versions', 'version'],
  ModelAlias: ['aliases', 'alias'],
  Approval: ['approvals'],
  Model: ['models'],
  TrainingJob: ['jobs', 'job'],
  DatasetVersion: ['datasetversions'],
  Dataset: ['datasets'],
  FeatureSet: ['featuresets'],
  Store: ['stores'],
};

export const KIND_NAMES = Object.keys(kinds) as readonly KindName[];
/** The words to offer to people, in the order in which they ask for things. */
export const KIND_WORDS: readonly string[] = KIND_NAMES.map(wordOf);

export function wordOf(kind: KindName): string {
  return SHORT_WORDS[kind][0];
}

/** One object, as in `slipway describe service flights`. */
export function singularWordOf(kind: KindName): string {
  return SHORT_WORDS[kind][1] ?? wordOf(kind).replace(/s$/, '');
}

/**
 * The kind that a person means by `word`: its name, plural, singular, short name, each also with `.slipway.dev`, or our own
 * shorter words; in any case.
 *
 * @throws UsageError for any other word.
 */
export function kindOf(word: string): KindName {
  const wanted = word.toLowerCase().replace(/\.slipway\.dev$/, '');
  const found = KIND_NAMES.find((kind) => wordsOf(kind).includes(wanted));
  if (found !== undefined) return found;
  const meant = didYouMean(wanted, KIND_NAMES.flatMap(wordsOf));
  const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`;
  throw new UsageError(`There is no kind "${word}".${suggestion}`, `Take one of: ${KIND_WORDS.join(', ')}`);
}

/** Who wrote which field is half of an object, and nobody's question here; kubectl hides it, too. */
export function withoutManagedFields<T extends SlipwayObject>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown };
  return { ...object, metadata };
}

function wordsOf(kind: KindName): string[] {
  const definitions = KINDS.filter((definition) => definition.kind === kind);
  return [
    ...SHORT_WORDS[kind],
    ...definitions.flatMap(({ plural, singular, shortName }) => [plural, singular, shortName]),
  ];
}

function ours<T extends KubeObject>({ kind, plural }: KindDefinition): KubeKind<T> {
  return defineKind<T>({ group: GROUP, version: VERSION, kind, plural, namespaced: true });
}
