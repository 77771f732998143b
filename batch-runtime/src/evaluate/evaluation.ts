/** The metrics of one model over all rows of a split. */
import type { EvaluationMetric } from '@slipway/crds/batch';
import { BatchError } from '../failure.ts';
import { createAuc } from './metrics/auc.ts';
import { createBrier } from './metrics/brier.ts';
import { accuracy, countClasses, createClassCounts, f1 } from './metrics/class-counts.ts';
import type { ClassCounts } from './metrics/class-counts.ts';
import { createLogLoss } from './metrics/log-loss.ts';
import type { ClassBatch, Measurement, Metric } from './metrics/measurement.ts';
import { createNumberErrors } from './metrics/number-errors.ts';
import { readNumbers, readProbabilities } from './read-answers.ts';
import type { Answer, Asked } from './read-answers.ts';
import { taskOf } from './task.ts';

export interface Measured {
  readonly metric: EvaluationMetric;
  readonly measurement: Measurement;
}

export interface ModelReport {
  /** In the order in which they were asked for. */
  readonly measured: readonly Measured[];
  /** Of a model that tells classes. */
  readonly counts: ClassCounts | undefined;
}

export interface Evaluation {
  /** @throws {BatchError} SignatureMismatch, PredictionInvalid, MetricNotApplicable */
  add(labels: readonly number[], answer: Answer, asked: Asked): void;
  report(): ModelReport;
}

/** @param rows as many as will be added. @throws {BatchError} MetricNotApplicable */
export function createEvaluation(metrics: readonly EvaluationMetric[], rows: number): Evaluation {
  return taskOf(metrics) === 'classes' ? createClassEvaluation(metrics, rows) : createNumberEvaluation(metrics);
}

function createNumberEvaluation(metrics: readonly EvaluationMetric[]): Evaluation {
  const errors = createNumberErrors();
  const measures: Readonly<Partial<Record<EvaluationMetric, () => Measurement>>> = {
    RootMeanSquaredError: errors.rootMeanSquaredError,
    MeanAbsoluteError: errors.meanAbsoluteError,
    R2: errors.r2,
  };
  return {
    add: (labels, answer, asked) => errors.add({ labels, predictions: readNumbers(answer, asked) }),
    report: () => ({ measured: measureAll(metrics, measures), counts: undefined }),
  };
}

/** How many classes a model tells is known from its first answer on: many models leave it open in their signature. */
function createClassEvaluation(metrics: readonly EvaluationMetric[], rows: number): Evaluation {
  let state: ClassState | undefined;
  return {
    add: (labels, answer, asked) => {
      const { classes, values } = readProbabilities(answer, asked);
      state ??= createClassState(metrics, { rows, classes, asked });
      refuseOtherClasses(labels, { classes: state.classes, told: classes, asked });
      const batch: ClassBatch = { labels, classes, probabilities: values };
      countClasses(state.counts, batch);
      for (const metric of state.metrics.values()) metric.add(batch);
    },
    report: () => {
      if (state === undefined) throw new Error('no rows were added');
      const { counts, metrics: kept } = state;
      const measures = {
        Accuracy: () => accuracy(counts),
        F1: () => f1(counts),
        ...Object.fromEntries([...kept].map(([name, metric]) => [name, metric.measure])),
      };
      return { measured: measureAll(metrics, measures), counts };
    },
  };
}

interface ClassState {
  readonly classes: number;
  readonly counts: ClassCounts;
  readonly metrics: ReadonlyMap<EvaluationMetric, Metric<ClassBatch>>;
}

function createClassState(
  metrics: readonly EvaluationMetric[],
  { rows, classes, asked }: { rows: number; classes: number; asked: Asked },
): ClassState {
  if (metrics.includes('Auc') && classes !== 2) {
    throw new BatchError(
      'MetricNotApplicable',
      `Auc is defined for two classes; the output ${asked.output} of the model ${asked.model} tells ${classes}. Take LogLoss, Accuracy, F1 or Brier`,
    );
  }
  const creators: Readonly<Partial<Record<EvaluationMetric, () => Metric<ClassBatch>>>> = {
    Auc: () => createAuc(rows),
    LogLoss: createLogLoss,
    Brier: createBrier,
  };
  const kept = new Map<EvaluationMetric, Metric<ClassBatch>>();
  for (const metric of metrics) {
    const create = creators[metric];
    if (create !== undefined) kept.set(metric, create());
  }
  return { classes, counts: createClassCounts(classes), metrics: kept };
}

function refuseOtherClasses(
  labels: readonly number[],
  { classes, told, asked }: { classes: number; told: number; asked: Asked },
): void {
  const { model, output, firstRow } = asked;
  if (told !== classes) {
    throw new BatchError(
      'SignatureMismatch',
      `The output ${output} of the model ${model} tells ${told} classes for row ${firstRow} of the split, and told ${classes} before`,
    );
  }
  const row = labels.findIndex((label) => label >= classes);
  if (row === -1) return;
  throw new BatchError(
    'SignatureMismatch',
    `The output ${output} of the model ${model} tells ${classes} classes, 0 to ${classes - 1}; the label is ${labels[row]} in row ${firstRow + row} of the split`,
  );
}

function measureAll(
  metrics: readonly EvaluationMetric[],
  measures: Readonly<Partial<Record<EvaluationMetric, () => Measurement>>>,
): Measured[] {
  return metrics.map((metric) => {
    const measure = measures[metric];
    if (measure === undefined) throw new Error(`nothing measures ${metric}`);
    return { metric, measurement: measure() };
  });
}
