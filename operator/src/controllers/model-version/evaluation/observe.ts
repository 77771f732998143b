import type { Model, ModelEvaluation, ModelVersion } from '@slipway/crds';
import { EvaluateResult } from '@slipway/crds/batch';
import type { DeepReadonly } from '@slipway/kube';
import type { Caches } from '../../../deps.ts';
import { observeJob } from '../../../jobs/observe-job.ts';
import type { ObservedJob } from '../../../jobs/observe-job.ts';
import { evaluateJobName } from './build-job.ts';
import { evidenceName, readEvidence } from './evidence.ts';
import type { Evidence } from './evidence.ts';
import { resolveInputs } from './inputs.ts';
import type { ResolvedInputs } from './inputs.ts';
import { othersAtWork } from './places.ts';

export interface ObservedEvaluation {
  /** The Model that the version is one of, as long as it is there. */
  readonly model: DeepReadonly<Model> | undefined;
  /** What that asks for; undefined where it asks for no evaluation. */
  readonly asked: AskedEvaluation | undefined;
}

export interface AskedEvaluation {
  readonly evaluation: DeepReadonly<ModelEvaluation>;
  /** What was found; undefined until then. */
  readonly evidence: Evidence | undefined;
  /** The Job that looks, or has looked. */
  readonly current: ObservedJob<EvaluateResult>;
  readonly inputs: ResolvedInputs;
  /** How many other versions of the Model are being evaluated. */
  readonly othersAtWork: number;
}

export function observeEvaluation(caches: Caches, version: DeepReadonly<ModelVersion>): ObservedEvaluation {
  const { namespace = '' } = version.metadata;
  const { model: asked } = version.spec;
  const model = asked === undefined ? undefined : caches.models.get({ namespace, name: asked.name });
  const evaluation = model?.spec.evaluation;
  if (model === undefined || evaluation === undefined) return { model, asked: undefined };
  const { uid = '' } = version.metadata;
  const record = caches.controllerRevisions
    .byIndex('controller', uid)
    .find(({ metadata }) => metadata.name === evidenceName(version, evaluation));
  const job = { namespace, name: evaluateJobName(version, evaluation), ownerUid: uid };
  return {
    model,
    asked: {
      evaluation,
      evidence: record === undefined ? undefined : readEvidence(record),
      current: observeJob(caches, job, { result: EvaluateResult }),
      inputs: resolveInputs(caches, version, { model, evaluation }),
      othersAtWork: record === undefined ? othersAtWork(caches, version) : 0,
    },
  };
}
