import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EvaluationMetric } from '@slipway/crds/batch';
import { createEvaluation } from '../src/evaluate/evaluation.ts';
import type { Measurement } from '../src/evaluate/metrics/measurement.ts';
import { createSum } from '../src/evaluate/metrics/sum.ts';
import { areaByPairs } from './brute-force-auc.ts';

interface Rows {
  readonly labels: readonly number[];
  /** One list a row: probabilities of the classes, or one number. */
  readonly answers: readonly (readonly number[])[];
}

/** Measures the rows in batches of `batchRows`, all at once by default. */
function measure(metric: EvaluationMetric, { labels, answers }: Rows, batchRows = labels.length): Measurement {
  const evaluation = createEvaluation([metric], labels.length);
  for (let first = 0; first < labels.length; first += batchRows) {
    const some = answers.slice(first, first + batchRows);
    const data = Float64Array.from(some.flat());
    evaluation.add(
      labels.slice(first, first + batchRows),
      { dims: [some.length, some[0]?.length ?? 0], data },
      { model: 'm', output: 'y', firstRow: first, rows: some.length },
    );
  }
  const [measured] = evaluation.report().measured;
  if (measured === undefined) throw new Error('nothing was measured');
  return measured.measurement;
}

function valueOf(metric: EvaluationMetric, rows: Rows, batchRows?: number): number {
  const measurement = measure(metric, rows, batchRows);
  return 'value' in measurement ? measurement.value : Number.NaN;
}

const single = (values: readonly number[]): number[][] => values.map((value) => [value]);

const BINARY: Rows = { labels: [0, 0, 1, 1], answers: single([0.1, 0.4, 0.35, 0.8]) };
const SPAM: Rows = {
  labels: [1, 0, 0, 1],
  answers: [
    [0.1, 0.9],
    [0.9, 0.1],
    [0.8, 0.2],
    [0.35, 0.65],
  ],
};
const NUMBERS: Rows = { labels: [3, -0.5, 2, 7], answers: single([2.5, 0, 2, 8]) };

/** The answer of a model that is sure of one class of three. */
const sure = (place: number): number[] => [0, 1, 2].map((other) => (other === place ? 1 : 0));
const THREE: Rows = { labels: [0, 1, 2, 0, 1, 2], answers: [0, 2, 1, 0, 0, 1].map(sure) };

describe('a metric', () => {
  // Data and values of the examples in scikit-learn's reference, and the same by hand.
  it.each<[string, EvaluationMetric, Rows, number]>([
    ['Auc as roc_auc_score', 'Auc', BINARY, 0.75],
    ['LogLoss as log_loss', 'LogLoss', SPAM, 0.21616187468057912],
    ['Brier as brier_score_loss', 'Brier', { labels: [0, 1, 1, 0], answers: single([0.1, 0.9, 0.8, 0.3]) }, 0.0375],
    [
      'Accuracy as accuracy_score',
      'Accuracy',
      {
        labels: [0, 1, 2, 3],
        answers: [0, 2, 1, 3].map((place) => [0, 1, 2, 3].map((other) => (other === place ? 1 : 0))),
      },
      0.5,
    ],
    ['F1 of three classes as f1_score with average="macro"', 'F1', THREE, 0.26666666666666666],
    ['RootMeanSquaredError as the root of mean_squared_error', 'RootMeanSquaredError', NUMBERS, Math.sqrt(0.375)],
    ['MeanAbsoluteError as mean_absolute_error', 'MeanAbsoluteError', NUMBERS, 0.5],
    ['R2 as r2_score', 'R2', NUMBERS, 0.9486081370449679],
    ['F1 leaves out a class that does not occur', 'F1', { labels: [0, 1, 1], answers: [0, 1, 0].map(sure) }, 2 / 3],
    // Precision 2/3, recall 2/4.
    [
      'F1 of two classes is that of class 1',
      'F1',
      { labels: [1, 1, 1, 1, 0, 0], answers: single([0.9, 0.8, 0.2, 0.1, 0.7, 0.3]) },
      4 / 7,
    ],
    // ((0.2 - 1)² + 0.3² + 0.5²) and (0.1² + 0.1² + (0.8 - 1)²), halved for the mean.
    [
      'Brier of three classes is the sum over the classes',
      'Brier',
      {
        labels: [0, 2],
        answers: [
          [0.2, 0.3, 0.5],
          [0.1, 0.1, 0.8],
        ],
      },
      0.52,
    ],
    ['Brier of two columns is that of class 1', 'Brier', SPAM, (0.01 + 0.01 + 0.04 + 0.1225) / 4],
    [
      'Auc of equal scores is a half',
      'Auc',
      { labels: [0, 1, 1, 0, 1], answers: single([0.5, 0.5, 0.5, 0.5, 0.5]) },
      0.5,
    ],
    ['Auc of the wrong way round is 0', 'Auc', { labels: [1, 0], answers: single([0.1, 0.9]) }, 0],
    ['a tie of -0 and 0 is a tie', 'Auc', { labels: [1, 0], answers: single([-0, 0]) }, 0.5],
    // The second class needs more than a half.
    ['Accuracy takes the first of equal classes', 'Accuracy', { labels: [0, 0], answers: single([0.5, 0.5]) }, 1],
    ['R2 of worse than the mean is negative', 'R2', { labels: [1, 2, 3], answers: single([3, 2, 1]) }, -3],
  ])('%s', (_, metric, rows, expected) => {
    expect(valueOf(metric, rows)).toBeCloseTo(expected, 14);
    expect(valueOf(metric, rows, 1), 'a row at a time').toBeCloseTo(expected, 14);
  });

  it('LogLoss is finite for a certain mistake, clipped at the epsilon of Float32', () => {
    const rows = { labels: [1, 0], answers: single([0, 0]) };
    expect(valueOf('LogLoss', rows)).toBeCloseTo((23 * Math.LN2 - Math.log(1 - 2 ** -23)) / 2, 12);
    expect(measure('LogLoss', rows)).toMatchObject({ counts: { rows: 2, clipped: 2 } });
  });

  it.each<[string, EvaluationMetric, Rows, RegExp]>([
    ['Auc of class 1 only', 'Auc', { labels: [1, 1], answers: single([0.2, 0.3]) }, /label 1/],
    ['Auc of class 0 only', 'Auc', { labels: [0, 0], answers: single([0.2, 0.3]) }, /label 0/],
    ['F1 without class 1', 'F1', { labels: [0, 0], answers: single([0.2, 0.3]) }, /class 1/],
    ['R2 of equal labels', 'R2', { labels: [0.1, 0.1, 0.1], answers: single([1, 2, 3]) }, /all labels are 0\.1/],
    [
      'numbers that leave what a double has',
      'RootMeanSquaredError',
      { labels: [0], answers: single([1e200]) },
      /too large/,
    ],
  ])('is undefined: %s', (_, metric, rows, why) => {
    expect(measure(metric, rows)).toMatchObject({ undefinedBecause: expect.stringMatching(why) });
  });

  it('F1 is 0, not undefined, where class 1 is there and never predicted', () => {
    expect(measure('F1', { labels: [1, 0], answers: single([0.2, 0.3]) })).toMatchObject({
      value: 0,
      counts: { truePositives: 0, falsePositives: 0, falseNegatives: 1 },
    });
  });

  it('R2 keeps its digits where labels are far from 0', () => {
    const labels = Array.from({ length: 1000 }, (_, row) => 1e9 + (row % 10));
    const answers = single(labels.map((label) => label + 1));
    // The squared distances of 0 … 9 from 4.5 have the mean 8.25.
    expect(valueOf('R2', { labels, answers })).toBeCloseTo(1 - 1 / 8.25, 10);
  });
});

/** Few distinct values, so that ties are common. */
const score = fc.oneof(fc.constantFrom(0, 0.25, 0.5, 0.75, 1), fc.double({ min: 0, max: 1, noNaN: true }));
const scoredRows = fc.array(fc.record({ label: fc.constantFrom(0, 1), score }), { minLength: 1, maxLength: 60 });

describe('Auc', { timeout: 120_000 }, () => {
  it('is what counting all pairs gives, however the rows are cut into batches', () => {
    fc.assert(
      fc.property(scoredRows, fc.integer({ min: 1, max: 20 }), (rows, batchRows) => {
        const labels = rows.map(({ label }) => label);
        const scores = rows.map((row) => row.score);
        const expected = areaByPairs(labels, scores);
        expect(valueOf('Auc', { labels, answers: single(scores) }, batchRows)).toBe(expected);
      }),
      { numRuns: 200 },
    );
  });

  it('does not change under a function that rises, and turns round with the labels', () => {
    fc.assert(
      fc.property(scoredRows, (rows) => {
        const labels = rows.map(({ label }) => label);
        const scores = rows.map((row) => row.score);
        const area = valueOf('Auc', { labels, answers: single(scores) });
        if (Number.isNaN(area)) return;
        const halved = valueOf('Auc', { labels, answers: single(scores.map((value) => value / 2)) });
        const turned = valueOf('Auc', { labels: labels.map((label) => 1 - label), answers: single(scores) });
        expect(turned).toBeCloseTo(1 - area, 12);
        // Halving makes equals of the smallest numbers only.
        if (scores.every((value) => value === 0 || value > 1e-300)) expect(halved).toBe(area);
      }),
      { numRuns: 100 },
    );
  });
});

describe('all metrics of classes', { timeout: 120_000 }, () => {
  it('are the same, to the last bit, however the rows are cut into batches', () => {
    fc.assert(
      fc.property(scoredRows, fc.integer({ min: 1, max: 20 }), (rows, batchRows) => {
        const labels = rows.map(({ label }) => label);
        const answers = single(rows.map((row) => row.score));
        for (const metric of ['LogLoss', 'Accuracy', 'F1', 'Brier'] as const) {
          expect(measure(metric, { labels, answers }, batchRows)).toEqual(measure(metric, { labels, answers }));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('a sum', () => {
  it('keeps what a plain one loses', () => {
    const sum = createSum();
    for (const value of [1, 1e100, 1, -1e100]) sum.add(value);
    expect(sum.total()).toBe(2);
    const tenths = createSum();
    for (let count = 0; count < 1_000_000; count += 1) tenths.add(0.1);
    expect(tenths.total()).toBe(100_000);
  });
});

describe('an evaluation refuses', () => {
  it.each<[string, readonly EvaluationMetric[], Rows, string, RegExp]>([
    ['metrics of both kinds', ['Auc', 'R2'], BINARY, 'MetricNotApplicable', /Auc.*R2/],
    ['Auc of three classes', ['Auc'], THREE, 'MetricNotApplicable', /two classes.*3/],
    [
      'a class that the model does not tell',
      ['Accuracy'],
      { labels: [0, 2], answers: single([0.1, 0.2]) },
      'SignatureMismatch',
      /0 to 1.*label is 2 in row 1/,
    ],
    [
      'a probability above 1',
      ['Auc'],
      { labels: [0, 1], answers: single([0.1, 1.7]) },
      'PredictionInvalid',
      /1\.7.*row 1.*sigmoid/,
    ],
    [
      'a probability that is no number',
      ['Auc'],
      { labels: [0, 1], answers: single([0.1, Number.NaN]) },
      'PredictionInvalid',
      /NaN.*row 1/,
    ],
    [
      'probabilities that do not add up',
      ['LogLoss'],
      {
        labels: [0, 1],
        answers: [
          [0.5, 0.5],
          [0.9, 0.9],
        ],
      },
      'PredictionInvalid',
      /1\.8.*row 1/,
    ],
    [
      'an infinite number',
      ['R2'],
      { labels: [0, 1], answers: single([1, Number.POSITIVE_INFINITY]) },
      'PredictionInvalid',
      /Infinity.*row 1/,
    ],
    [
      'several numbers a row',
      ['R2'],
      {
        labels: [0, 1],
        answers: [
          [1, 2],
          [1, 2],
        ],
      },
      'SignatureMismatch',
      /\[2, 2\]/,
    ],
  ])('%s', (...[, metrics, { labels, answers }, reason, message]) => {
    const evaluateAll = () => {
      const evaluation = createEvaluation(metrics, labels.length);
      const data = Float64Array.from(answers.flat());
      const asked = { model: 'm', output: 'y', firstRow: 0, rows: labels.length };
      evaluation.add(labels, { dims: [labels.length, answers[0]?.length ?? 0], data }, asked);
    };
    expect(evaluateAll).toThrow(expect.objectContaining({ reason, message: expect.stringMatching(message) }));
  });
});
