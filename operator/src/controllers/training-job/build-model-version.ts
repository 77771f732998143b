import { groupVersion } from '@slipway/crds';
import type { ModelVersion, Store, TrainingJob } from '@slipway/crds';
import type { PublishModelResult } from '@slipway/crds/batch';
import type { DeepReadonly } from '@slipway/kube';
import { resultPath } from '../../jobs/result-path.ts';
import { producedLabels } from '../../labels.ts';
import { versionName } from '../../versions/version-name.ts';
import type { AttemptRecord } from './attempt.ts';
import type { Identity } from './identity.ts';

/** On a ModelVersion: the digest of the TrainingJob's spec, so that a TrainingJob that is created again knows its work. */
const SPEC_ANNOTATION = 'slipway.dev/training-spec';

interface VersionInput {
  readonly trainingJob: DeepReadonly<TrainingJob>;
  readonly record: AttemptRecord;
  readonly store: DeepReadonly<Store>;
  readonly result: PublishModelResult;
}

/** What came out of a run. It has no owner: it outlives its TrainingJob. */
export function buildModelVersion({ trainingJob, record, store, result }: VersionInput, number: number): ModelVersion {
  const { metadata, spec } = trainingJob;
  const model = spec.output.model.name;
  const metrics = metricList(result.metrics);
  return {
    apiVersion: groupVersion,
    kind: 'ModelVersion',
    metadata: {
      name: versionName(model, number, result.digest),
      namespace: metadata.namespace ?? '',
      labels: {
        ...producedLabels({ uid: metadata.uid ?? '' }),
        'slipway.dev/model': model,
        'slipway.dev/run': record.run.replace(/^sha256:/, '').slice(0, 16),
      },
      annotations: { [SPEC_ANNOTATION]: record.spec },
    },
    spec: {
      model: { name: model },
      number,
      artifact: {
        store: { name: store.metadata.name },
        path: resultPath(store, result.path),
        digest: result.digest,
        format: spec.output.format,
      },
      ...(Object.keys(spec.parameters).length === 0 ? {} : { parameters: { ...spec.parameters } }),
      ...(metrics.length === 0 ? {} : { metrics }),
      lineage: {
        trainingJob: metadata.name,
        run: record.run,
        attempt: record.number,
        datasetVersion: record.datasetVersion,
        image: spec.image,
        ...(record.code === 'none' ? {} : { code: record.code }),
      },
    },
  };
}

function metricList(metrics: Readonly<Record<string, number>>): { name: string; value: number }[] {
  return Object.entries(metrics)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, 128)
    .map(([name, value]) => ({ name, value }));
}

/** Whether a version that has the name already is the result of this run: the same training, the same bytes. */
export function isVersionOfRun(
  { spec }: DeepReadonly<ModelVersion>,
  { run, digest }: { readonly run: string; readonly digest: string },
): boolean {
  return spec.lineage?.run === run && spec.artifact.digest === digest;
}

/** The newest version that a TrainingJob of this name made of the same spec and code, in this life or an earlier one. */
export function producedVersion(
  versions: readonly DeepReadonly<ModelVersion>[],
  trainingJob: string,
  identity: Identity,
): DeepReadonly<ModelVersion> | undefined {
  const found = versions.filter(
    ({ metadata, spec: { lineage } }) =>
      metadata.deletionTimestamp === undefined &&
      lineage?.trainingJob === trainingJob &&
      metadata.annotations?.[SPEC_ANNOTATION] === identity.spec &&
      (identity.code === undefined || (lineage.code ?? 'none') === identity.code),
  );
  return found.sort((a, b) => b.spec.number - a.spec.number)[0];
}
