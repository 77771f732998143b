/**
 * What an evaluation found, kept for good: verdicts rest on it, and a Job may go. In a ControllerRevision, whose data the API
 * server lets nobody change, and which Kubernetes' own roles let nobody of the namespace write.
 */
import type { ModelEvaluation, ModelVersion } from '@slipway/crds';
import type { EvaluateResult } from '@slipway/crds/batch';
import type { ControllerRevision, DeepReadonly, Job } from '@slipway/kube';
import { z } from 'zod';
import { ownedLabels } from '../../../labels.ts';
import { childName } from '../../../names.ts';
import { EVALUATION_LABELS, evaluationDigest, Pins, pinsOf } from './build-job.ts';

const metrics = z.record(z.string(), z.number());

const Evidence = Pins.extend({
  rows: z.number(),
  /** Of the version itself. */
  metrics,
  /** By name of the version that an alias meant. */
  rescored: z.record(z.string(), metrics),
  /** By name, too: why one could not be scored. */
  problems: z.record(z.string(), z.string()).optional(),
});
export type Evidence = z.infer<typeof Evidence>;

/** One for each question to a version. */
export function evidenceName(
  { metadata }: DeepReadonly<ModelVersion>,
  evaluation: DeepReadonly<ModelEvaluation>,
): string {
  return childName(metadata.name, `evaluation-${evaluationDigest(evaluation)}`);
}

/** undefined for a Job that does not say what it read. */
export function buildEvidence(
  version: DeepReadonly<ModelVersion>,
  evaluation: DeepReadonly<ModelEvaluation>,
  { job, result }: { readonly job: DeepReadonly<Job>; readonly result: EvaluateResult },
): ControllerRevision | undefined {
  const pins = pinsOf(job);
  if (pins === undefined) return undefined;
  const { name, namespace = '' } = version.metadata;
  const metricsOf = Object.fromEntries(result.models.map((model) => [model.name, model.metrics]));
  const rescored = pins.champions.flatMap(({ modelVersion }) =>
    modelVersion === undefined ? [] : [[modelVersion, metricsOf[modelVersion] ?? {}]],
  );
  const unscored = result.models.flatMap((model) => (model.problem === undefined ? [] : [[model.name, model.problem]]));
  const data: Evidence = {
    ...pins,
    rows: result.rows,
    metrics: metricsOf[name] ?? {},
    rescored: Object.fromEntries(rescored) as Evidence['rescored'],
    ...(unscored.length === 0 ? {} : { problems: Object.fromEntries(unscored) as Record<string, string> }),
  };
  return {
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
    metadata: {
      name: evidenceName(version, evaluation),
      namespace,
      labels: { ...EVALUATION_LABELS, ...ownedLabels({ kind: 'ModelVersion', name }) },
    },
    revision: 1,
    data,
  };
}

export function readEvidence({ data }: { readonly data?: unknown }): Evidence | undefined {
  const parsed = Evidence.safeParse(data);
  return parsed.success ? parsed.data : undefined;
}
