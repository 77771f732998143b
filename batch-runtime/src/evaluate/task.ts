import type { EvaluationMetric } from '@slipway/crds/batch';
import { BatchError } from '../failure.ts';

/** What a model tells of a row: how likely each class is, or a number. */
export type Task = 'classes' | 'numbers';

const TASKS: Readonly<Record<EvaluationMetric, Task>> = {
  Auc: 'classes',
  LogLoss: 'classes',
  Accuracy: 'classes',
  F1: 'classes',
  Brier: 'classes',
  RootMeanSquaredError: 'numbers',
  MeanAbsoluteError: 'numbers',
  R2: 'numbers',
};

/** What models must tell for these metrics. @throws {BatchError} MetricNotApplicable */
export function taskOf(metrics: readonly EvaluationMetric[]): Task {
  const ofClasses = metrics.filter((metric) => TASKS[metric] === 'classes');
  const ofNumbers = metrics.filter((metric) => TASKS[metric] === 'numbers');
  if (ofClasses.length > 0 && ofNumbers.length > 0) {
    throw new BatchError(
      'MetricNotApplicable',
      `${ofClasses.join(', ')} measure probabilities of classes, ${ofNumbers.join(', ')} predicted numbers; ask for those of one kind`,
    );
  }
  return ofClasses.length > 0 ? 'classes' : 'numbers';
}
