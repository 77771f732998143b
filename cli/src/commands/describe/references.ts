/** Which objects each kind depends on, from its spec and status alone. */
import { modelAliasName } from '@slipway/crds';
import type {
  Approval,
  Dataset,
  DatasetVersion,
  FeatureSet,
  InferenceService,
  Model,
  ModelAlias,
  ModelVersion,
  Store,
  TrainingJob,
} from '@slipway/crds';
import type { KindName, SlipwayObject } from '../../cluster/kinds.ts';

export interface Reference {
  readonly kind: KindName | 'PersistentVolumeClaim' | 'ConfigMap';
  readonly name: string;
  /** How the object depends on it, in words that go before its name: `serves`, `kept in`. */
  readonly relation: string;
  /** It was made from it, and outlives it: no trouble where it is gone. */
  readonly isOrigin?: boolean;
}

type References = Readonly<Record<KindName, (object: never) => Reference[]>>;

/** In the order in which they have to be there: the first that is in trouble is to blame. */
const REFERENCES: References = {
  InferenceService: ({ spec: { model, modelVersion } }: InferenceService) => [
    ...(model === undefined ? [] : [{ kind: 'ModelAlias' as const, name: modelAliasName(model), relation: 'follows' }]),
    ...(modelVersion === undefined
      ? []
      : [{ kind: 'ModelVersion' as const, name: modelVersion.name, relation: 'serves' }]),
  ],
  ModelRollout: () => [],
  ModelVersion: ({ spec }: ModelVersion) => [
    { kind: 'Store', name: spec.artifact.store.name, relation: 'kept in' },
    ...origin('TrainingJob', spec.lineage?.trainingJob, 'trained by'),
    ...origin('DatasetVersion', spec.lineage?.datasetVersion, 'learned from'),
    ...origin('Model', spec.model?.name, 'version of'),
  ],
  ModelAlias: ({ spec }: ModelAlias) => [
    { kind: 'ModelVersion', name: spec.modelVersion.name, relation: 'means' },
    { kind: 'Model', name: spec.model.name, relation: 'alias of' },
  ],
  Approval: ({ spec }: Approval) => [{ kind: 'ModelVersion', name: spec.modelVersion.name, relation: 'judges' }],
  Model: ({ spec }: Model) => [{ kind: 'Store', name: spec.store.name, relation: 'publishes to' }],
  TrainingJob: ({ spec, status }: TrainingJob) => [
    ...datasetOf(spec.dataset, status?.datasetVersion),
    ...(spec.code === undefined
      ? []
      : [{ kind: 'ConfigMap' as const, name: spec.code.configMap.name, relation: 'runs code of' }]),
    { kind: 'Model', name: spec.output.model.name, relation: 'makes a version of' },
  ],
  DatasetVersion: ({ spec }: DatasetVersion) => [
    { kind: 'Store', name: spec.artifact.store.name, relation: 'kept in' },
    ...origin('Dataset', spec.dataset.name, 'built by'),
  ],
  Dataset: ({ spec }: Dataset) => [
    { kind: 'Store', name: spec.rows.files.store.name, relation: 'reads from' },
    ...spec.features.map(({ featureSet }) => ({
      kind: 'FeatureSet' as const,
      name: featureSet.name,
      relation: 'joins',
    })),
    ...other('Store', spec.store.name, spec.rows.files.store.name),
  ],
  FeatureSet: ({ spec }: FeatureSet) => [
    { kind: 'Store', name: spec.source.files.store.name, relation: 'reads from' },
    ...other('Store', spec.store.name, spec.source.files.store.name),
  ],
  Store: ({ spec }: Store) => {
    const claim = /^pvc:\/\/([^/]+)/.exec(spec.uri)?.[1];
    return claim === undefined ? [] : [{ kind: 'PersistentVolumeClaim', name: claim, relation: 'lies on' }];
  },
};

export function referencesOf(kind: KindName, object: SlipwayObject): Reference[] {
  return REFERENCES[kind](object as never);
}

function origin(kind: KindName, name: string | undefined, relation: string): Reference[] {
  return name === undefined ? [] : [{ kind, name, relation, isOrigin: true }];
}

/** Where it writes, if that is another place than where it reads. */
function other(kind: 'Store', name: string, reads: string): Reference[] {
  return name === reads ? [] : [{ kind, name, relation: 'writes to' }];
}

/** The version that the run has taken; before it has, what it waits for. */
function datasetOf(dataset: TrainingJob['spec']['dataset'], taken: string | undefined): Reference[] {
  const version = taken ?? (dataset.version === 'Latest' ? undefined : dataset.version);
  if (version === undefined) return [{ kind: 'Dataset', name: dataset.name, relation: 'learns from' }];
  return [{ kind: 'DatasetVersion', name: version, relation: 'learns from' }];
}
