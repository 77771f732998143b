import type { Model, ModelEvaluation, ModelVersion } from '@slipway/crds';
import type { DeepReadonly, Job } from '@slipway/kube';
import { z } from 'zod';
import type { WorkloadConfig } from '../../../deps.ts';
import { buildBatchJob } from '../../../jobs/build-batch-job.ts';
import type { BatchRequest } from '../../../jobs/build-batch-job.ts';
import { parseJson } from '../../../parse-json.ts';
import { resourcesAnnotation } from '../../../jobs/replaced-for-resources.ts';
import { pathInStore } from '../../../jobs/store-mount.ts';
import { ROLE_LABEL } from '../../../labels.ts';
import { childName, shortHash } from '../../../names.ts';
import type { ReadyInputs, StoredVersion } from './inputs.ts';

/** On the Jobs of a ModelVersion that measure it, and on the record of what they measured. */
export const EVALUATION_LABELS = { [ROLE_LABEL]: 'evaluate' } as const;

/** JSON on the Job: what it was decided to read when it was made. */
const PINS_ANNOTATION = 'slipway.dev/evaluation';

export const Pins = z.object({
  datasetVersion: z.string(),
  champions: z.array(z.object({ alias: z.string(), modelVersion: z.string().optional() })),
});
export type Pins = z.infer<typeof Pins>;

export function pinsOf(job: DeepReadonly<Job>): Pins | undefined {
  const parsed = Pins.safeParse(parseJson(job.metadata.annotations?.[PINS_ANNOTATION]));
  return parsed.success ? parsed.data : undefined;
}

export function isEvaluation({ metadata }: DeepReadonly<Job>): boolean {
  return metadata.labels?.[ROLE_LABEL] === EVALUATION_LABELS[ROLE_LABEL];
}

/** The same for the same question to a version, whatever resources its answer takes. Order means nothing in its lists. */
export function evaluationDigest({ dataset, split, metrics, rescore }: DeepReadonly<ModelEvaluation>): string {
  return shortHash({ dataset, split, metrics: [...metrics].sort(), rescore: [...rescore].sort() }, 10);
}

/** Does not say with what it is compared: one that is at work goes on with what it began with, wherever an alias moves. */
export function evaluateJobName(
  { metadata: { name, uid } }: DeepReadonly<ModelVersion>,
  evaluation: DeepReadonly<ModelEvaluation>,
): string {
  return childName(name, `evaluate-${shortHash({ uid, evaluation: evaluationDigest(evaluation) }, 6)}`);
}

export interface EvaluateJobInput {
  readonly model: DeepReadonly<Model>;
  readonly evaluation: DeepReadonly<ModelEvaluation>;
  readonly inputs: ReadyInputs;
}

export function buildEvaluateJob({ model, evaluation, inputs }: EvaluateJobInput, config: WorkloadConfig): Job {
  const { candidate, dataset, output } = inputs;
  const { name, namespace = '' } = candidate.version.metadata;
  const { resources } = evaluation;
  const models = modelsOf(inputs);
  return buildBatchJob({
    owner: { kind: 'ModelVersion', name, namespace },
    name: evaluateJobName(candidate.version, evaluation),
    labels: EVALUATION_LABELS,
    annotations: { [PINS_ANNOTATION]: JSON.stringify(pins(inputs)), ...resourcesAnnotation(resources) },
    command: 'evaluate',
    request: {
      datasetDir: pathInStore(dataset.store, dataset.version.spec.artifact.path),
      datasetDigest: dataset.version.spec.artifact.digest,
      split: evaluation.split,
      metrics: [...evaluation.metrics],
      models: models.map(modelRequest),
      outputDir: pathInStore(output, `evaluations/${model.metadata.name}/${name}/${evaluationDigest(evaluation)}`),
    },
    stores: [
      ...models.map(({ store }) => ({ store, access: 'read' as const })),
      { store: dataset.store, access: 'read' },
      { store: output, access: 'write' },
    ],
    resources,
    config,
  });
}

/** Each once: several aliases may mean one version, also the one that is measured. */
function modelsOf({ candidate, champions }: ReadyInputs): StoredVersion[] {
  const byName = new Map([[candidate.version.metadata.name, candidate]]);
  for (const { meant } of champions) if (meant !== undefined) byName.set(meant.version.metadata.name, meant);
  return [...byName.values()];
}

function modelRequest({
  version: { metadata, spec },
  store,
}: StoredVersion): BatchRequest<'evaluate'>['models'][number] {
  const { path, digest, format } = spec.artifact;
  return { name: metadata.name, dir: pathInStore(store, path), digest, format };
}

function pins({ champions, dataset }: ReadyInputs): Pins {
  return {
    datasetVersion: dataset.version.metadata.name,
    champions: champions.map(({ alias, meant }) => {
      return meant === undefined ? { alias } : { alias, modelVersion: meant.version.metadata.name };
    }),
  };
}
