/** What an evaluation answers: short for the status, in full for the file. */
import { metricName } from '@slipway/crds/batch';
import type { EvaluateRequest, EvaluateResult } from '@slipway/crds/batch';
import type { ModelReport } from './evaluation.ts';
import type { ClassCounts } from './metrics/class-counts.ts';

export interface EvaluatedModel {
  readonly name: string;
  readonly digest: string;
  /** The columns of each input in their order. */
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  readonly output: string;
  /** What was sent for a missing value; NaN by default. */
  readonly missing: number;
  readonly report: ModelReport;
}

/** One to compare with that could not be scored. */
export interface UnscoredModel {
  readonly name: string;
  readonly digest: string;
  readonly problem: string;
}

export interface Evaluated {
  readonly split: EvaluateRequest['split'];
  readonly rows: number;
  readonly label: string;
  readonly models: readonly EvaluatedModel[];
  readonly unscored: readonly UnscoredModel[];
}

/** A result is short; the report has all of it. */
const MAX_PROBLEM = 250;

export function evaluateResult({ split, rows, models, unscored }: Evaluated): EvaluateResult {
  return {
    ok: true,
    rows,
    models: [
      ...models.map(({ name, digest, report }) => ({ name, digest, metrics: definedMetrics(split, report) })),
      ...unscored.map(({ problem, ...model }) => ({ ...model, metrics: {}, problem: problem.slice(0, MAX_PROBLEM) })),
    ],
    warnings: undefinedMetrics(split, models),
  };
}

/** The content of `result.json`. */
export function fullReport(evaluated: Evaluated): object {
  const { split, rows, label, models, unscored } = evaluated;
  return {
    split,
    rows,
    label,
    models: models.map(({ name, digest, inputs, output, missing, report }) => ({
      name,
      digest,
      inputs,
      output,
      missing: String(missing),
      metrics: Object.fromEntries(
        report.measured.map(({ metric, measurement }) => [metricName(split, metric), measurement]),
      ),
      ...(report.counts === undefined ? {} : classReport(report.counts)),
    })),
    unscored,
    warnings: undefinedMetrics(split, models),
  };
}

function classReport({ labelled, predicted, right, confusion }: ClassCounts): object {
  const width = labelled.length;
  return {
    classes: [...labelled.keys()].map((place) => ({
      class: place,
      labelled: labelled[place],
      predicted: predicted[place],
      right: right[place],
    })),
    ...(confusion === undefined
      ? {}
      : {
          confusion: [...labelled.keys()].map((place) => [...confusion.subarray(place * width, (place + 1) * width)]),
        }),
  };
}

function definedMetrics(split: EvaluateRequest['split'], { measured }: ModelReport): Record<string, number> {
  return Object.fromEntries(
    measured.flatMap(({ metric, measurement }) =>
      'value' in measurement ? [[metricName(split, metric), measurement.value]] : [],
    ),
  );
}

/** A metric that is undefined is left out, not a failure: the others are good, and a gate says what a missing one means. */
function undefinedMetrics(split: EvaluateRequest['split'], models: readonly EvaluatedModel[]): string[] {
  const modelsOf = new Map<string, string[]>();
  for (const { name, report } of models) {
    for (const { metric, measurement } of report.measured) {
      if ('value' in measurement) continue;
      const why = `${metricName(split, metric)} is not defined, because ${measurement.undefinedBecause}`;
      modelsOf.set(why, [...(modelsOf.get(why) ?? []), name]);
    }
  }
  return [...modelsOf].map(([why, names]) => (names.length === models.length ? why : `${names.join(', ')}: ${why}`));
}
