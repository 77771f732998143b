/** What a version tells of its evaluation and its gates. */
import type { ModelVersionStatus } from '@slipway/crds';
import type { DeepReadonly, WantedCondition } from '@slipway/kube';
import { isFalse, isTrue, isUnknown } from '../../../conditions.ts';
import type { Reason } from '../../../conditions.ts';
import type { JobOutcome } from '../../../jobs/job-outcome.ts';
import type { ObservedModelVersion } from '../observe.ts';
import type { Evidence } from './evidence.ts';
import type { AskedEvaluation } from './observe.ts';
import { MAX_AT_WORK } from './places.ts';
import { metricsOf, verdictsOf } from './verdict.ts';
import type { Verdict } from './verdict.ts';

export interface EvaluationStatus {
  readonly conditions: readonly WantedCondition[];
  readonly facts: Pick<ModelVersionStatus, 'metrics' | 'evaluation' | 'gates'>;
}

export function evaluationStatus(observed: ObservedModelVersion): EvaluationStatus {
  const { version, evaluation } = observed;
  const { model, asked } = evaluation;
  const evidence = asked?.evidence;
  const metrics = metricsOf(version, evidence);
  const evaluated = asked === undefined ? [] : [evaluatedCondition(observed, asked)];
  const isJudged = evaluated.every(({ status }) => status === 'True');
  const verdicts = isJudged ? verdictsOf(model?.spec.gates ?? [], metrics, evidence) : [];
  return {
    conditions: [...evaluated, gatesPassed(observed, evaluated[0], verdicts)],
    facts: {
      ...(metrics.length === 0 ? {} : { metrics: [...metrics] }),
      ...(evidence === undefined ? {} : { evaluation: evaluationFacts(evidence) }),
      ...(verdicts.length === 0 ? {} : { gates: [...verdicts] }),
    },
  };
}

function evaluatedCondition({ verification }: ObservedModelVersion, asked: AskedEvaluation): WantedCondition {
  const { evidence, current, inputs, othersAtWork } = asked;
  if (evidence !== undefined) return isTrue('Evaluated', { reason: 'Evaluated', message: whatWasRead(evidence) });
  const { outcome } = current;
  if (outcome.state === 'failed') return isFalse('Evaluated', failed(outcome, current.job?.metadata.name ?? ''));
  if (outcome.state !== 'absent') return isUnknown('Evaluated', atWork(outcome));
  if (verification.outcome.state !== 'succeeded') return isUnknown('Evaluated', UNVERIFIED);
  return isUnknown('Evaluated', inputs.problem ?? (othersAtWork < MAX_AT_WORK ? EVALUATING : WAITING_FOR_TURN));
}

const EVALUATING: Reason = { reason: 'Evaluating', message: 'A Job scores it on the rows of the Dataset.' };
const WAITING_FOR_TURN: Reason = {
  reason: 'WaitingForTurn',
  message: `${MAX_AT_WORK} other versions of the Model are being evaluated; it is as soon as one of them is done.`,
};
const UNVERIFIED: Reason = {
  reason: 'WaitingForVerification',
  message: 'It is evaluated once its bytes are verified.',
};

function failed({ reason, message }: Reason, job: string): Reason {
  const again = `It is tried again from time to time, and at once after: kubectl delete job ${job}`;
  return { reason, message: `It could not be evaluated: ${message} ${again}` };
}

function atWork(outcome: JobOutcome<unknown>): Reason {
  if (outcome.state === 'pending') return outcome.reason === 'Starting' ? EVALUATING : outcome;
  return (outcome.state === 'running' ? outcome.trouble : undefined) ?? EVALUATING;
}

function whatWasRead({ datasetVersion, rows, champions }: Evidence): string {
  const others = champions.map(({ alias, modelVersion }) => `${alias} (${modelVersion ?? 'there was none'})`);
  const beside = others.length === 0 ? '' : `, beside ${others.join(', ')}`;
  return `It was scored on ${rows} rows of DatasetVersion "${datasetVersion}"${beside}.`;
}

function gatesPassed(
  { version, evaluation: { model } }: ObservedModelVersion,
  evaluated: WantedCondition | undefined,
  verdicts: readonly Verdict[],
): WantedCondition {
  const { model: asked } = version.spec;
  if (asked !== undefined && model === undefined) return isUnknown('GatesPassed', noModel(asked.name));
  const gates = model?.spec.gates ?? [];
  if (gates.length === 0) {
    return isTrue('GatesPassed', { reason: 'NoGates', message: 'Nothing has to be passed.' });
  }
  if (evaluated !== undefined && evaluated.status !== 'True')
    return { ...evaluated, type: 'GatesPassed', status: 'Unknown' };
  const bad = verdicts.filter(({ verdict }) => verdict === 'Failed');
  if (bad.length > 0) {
    const message = bad.map((verdict) => `${verdict.name}: ${verdict.message}`).join(' ');
    return isFalse('GatesPassed', { reason: 'GateFailed', message });
  }
  const names = verdicts.map(({ name }) => name).join(', ');
  return isTrue('GatesPassed', { reason: 'GatesPassed', message: `It has passed ${names}.` });
}

export function noModel(name: string): Reason {
  const message = `There is no Model "${name}" in this namespace, which says what its versions have to pass. Create it.`;
  return { reason: 'ModelNotFound', message };
}

function evaluationFacts({ datasetVersion, rows, champions, rescored }: Evidence): ModelVersionStatus['evaluation'] {
  const listed = (metrics: DeepReadonly<Record<string, number>> = {}) =>
    Object.entries(metrics)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ name, value }));
  return {
    datasetVersion,
    rows,
    compared: champions.map(({ alias, modelVersion }) => {
      return modelVersion === undefined
        ? { alias, metrics: [] }
        : { alias, modelVersion, metrics: listed(rescored[modelVersion]) };
    }),
  };
}
