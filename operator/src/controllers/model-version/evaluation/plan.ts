import { modelAliasName } from '@slipway/crds';
import { builtin } from '@slipway/kube';
import type { Child, DeepReadonly, Job, LiveObject } from '@slipway/kube';
import type { WorkloadConfig } from '../../../deps.ts';
import { isReplacedForResources } from '../../../jobs/replaced-for-resources.ts';
import { isFinished } from '../../../jobs/superseded-jobs.ts';
import type { ObservedModelVersion } from '../observe.ts';
import { msUntilRetry } from '../retry.ts';
import { buildEvaluateJob, isEvaluation } from './build-job.ts';
import { buildEvidence, evidenceName } from './evidence.ts';
import { MAX_AT_WORK } from './places.ts';

export interface EvaluationPlan {
  /** A Job to make, unless the API server knows better: then the caches are behind. */
  readonly create: EvaluationToMake | undefined;
  /** The record of what was found, once it was found. */
  readonly record: readonly Child[];
  readonly prune: readonly LiveObject[];
  /** When to look again, in milliseconds; undefined: when something changes. */
  readonly lookAgainMs: number | undefined;
}

export interface EvaluationToMake {
  readonly job: Job;
  /** Name of the record that says that it was made before. */
  readonly unless: string;
  /** What the aliases mean with which it is compared. */
  readonly champions: readonly { readonly name: string; readonly modelVersion: string | undefined }[];
  /** How many other versions of the Model are being evaluated, as far as the caches know. */
  readonly othersAtWork: number;
}

const NOTHING = { create: undefined, record: [], lookAgainMs: undefined };

/** A question that was answered is never asked again; one that could not be answered is, after a while, with what is there then. */
export function planEvaluation(observed: ObservedModelVersion, config: WorkloadConfig, now: Date): EvaluationPlan {
  const { version, evaluation } = observed;
  const { asked } = evaluation;
  const prune = unfinishedOthers(observed);
  if (asked === undefined || asked.evidence !== undefined) return { ...NOTHING, prune };
  const { current } = asked;
  const { job, outcome } = current;
  if (job === undefined) return { ...NOTHING, create: planJob(observed, config), prune };
  if (outcome.state === 'succeeded') {
    const object = buildEvidence(version, asked.evaluation, { job, result: outcome.result });
    return { ...NOTHING, record: object === undefined ? [] : [{ kind: builtin.ControllerRevision, object }], prune };
  }
  const retryMs = msUntilRetry(version, current, now);
  const isOver = retryMs === 0 || isReplacedForResources(current, asked.evaluation.resources);
  return isOver ? { ...NOTHING, prune: [...prune, toPrune(job)] } : { ...NOTHING, prune, lookAgainMs: retryMs };
}

function planJob(
  { version, verification, evaluation: { model, asked } }: ObservedModelVersion,
  config: WorkloadConfig,
): EvaluationPlan['create'] {
  if (verification.outcome.state !== 'succeeded') return undefined;
  if (model === undefined || asked?.inputs.ready === undefined) return undefined;
  const { evaluation, inputs, othersAtWork } = asked;
  if (othersAtWork >= MAX_AT_WORK) return undefined;
  return {
    job: buildEvaluateJob({ model, evaluation, inputs: inputs.ready }, config),
    unless: evidenceName(version, evaluation),
    champions: inputs.ready.champions.map(({ alias, meant }) => {
      const name = modelAliasName({ name: model.metadata.name, alias });
      return { name, modelVersion: meant?.version.metadata.name };
    }),
    othersAtWork,
  };
}

/** Those that are at work on a question that is no longer asked. */
function unfinishedOthers({ jobs, evaluation: { asked } }: ObservedModelVersion): LiveObject[] {
  const { name } = asked?.current.job?.metadata ?? {};
  return jobs.filter((job) => isEvaluation(job) && !isFinished(job) && job.metadata.name !== name).map(toPrune);
}

function toPrune(object: DeepReadonly<Job>): LiveObject {
  return { kind: builtin.Job, object };
}
