import { measured } from './measurement.ts';
import type { ClassBatch, Measurement } from './measurement.ts';

/** A matrix of more classes is not read by anybody, and grows with their square. */
const MAX_CONFUSION_CLASSES = 100;

/** How often each class was there and was predicted. The class with the highest probability is predicted, the first of equals. */
export interface ClassCounts {
  readonly labelled: Float64Array;
  readonly predicted: Float64Array;
  /** Both at once. */
  readonly right: Float64Array;
  /** Row by row: how often the class of the row was predicted as that of the column. Absent for more than 100 classes. */
  readonly confusion: Float64Array | undefined;
}

export function createClassCounts(classes: number): ClassCounts {
  return {
    labelled: new Float64Array(classes),
    predicted: new Float64Array(classes),
    right: new Float64Array(classes),
    confusion: classes > MAX_CONFUSION_CLASSES ? undefined : new Float64Array(classes ** 2),
  };
}

export function countClasses(counts: ClassCounts, { labels, classes, probabilities }: ClassBatch): void {
  for (const [row, label] of labels.entries()) {
    const predicted = firstHighest(probabilities.subarray(row * classes, (row + 1) * classes));
    addOne(counts.labelled, label);
    addOne(counts.predicted, predicted);
    if (predicted === label) addOne(counts.right, label);
    if (counts.confusion !== undefined) addOne(counts.confusion, label * classes + predicted);
  }
}

function addOne(counts: Float64Array, place: number): void {
  counts[place] = (counts[place] ?? 0) + 1;
}

/** Of two classes: class 1 from more than one half on. */
function firstHighest(probabilities: Float64Array): number {
  let highest = 0;
  for (const [place, probability] of probabilities.entries()) {
    if (probability > (probabilities[highest] ?? 0)) highest = place;
  }
  return highest;
}

/** Share of the rows whose class was predicted. 0 to 1. */
export function accuracy({ labelled, right }: ClassCounts): Measurement {
  const [rows, correct] = [total(labelled), total(right)];
  return measured(correct / rows, { rows, right: correct });
}

/**
 * 2 · right / (labelled + predicted): the harmonic mean of precision and recall (van Rijsbergen 1979). 0 to 1. Of two classes that
 * of class 1; of more, the mean over the classes that are labelled or predicted at least once (macro average), as scikit-learn's
 * f1_score with `average="macro"`.
 *
 * Undefined when class 1 of two is neither labelled nor predicted: 0 / 0.
 */
export function f1(counts: ClassCounts): Measurement {
  const { labelled, predicted, right } = counts;
  const scores = [...labelled.keys()].map(
    (place) => (2 * (right[place] ?? 0)) / ((labelled[place] ?? 0) + (predicted[place] ?? 0)),
  );
  const defined = scores.filter((score) => !Number.isNaN(score));
  if (labelled.length > 2) {
    return measured(total(defined) / defined.length, { classes: labelled.length, classesThatOccur: defined.length });
  }
  const [, rightOnes = 0] = right;
  const [, labelledOnes = 0] = labelled;
  const [, predictedOnes = 0] = predicted;
  const ofClass1 = {
    truePositives: rightOnes,
    falsePositives: predictedOnes - rightOnes,
    falseNegatives: labelledOnes - rightOnes,
  };
  const [, score = Number.NaN] = scores;
  if (Number.isNaN(score)) {
    return { undefinedBecause: 'class 1 is neither labelled nor predicted in any row', counts: ofClass1 };
  }
  return measured(score, ofClass1);
}

function total(values: Iterable<number>): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
