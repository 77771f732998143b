import { measured } from './measurement.ts';
import type { ClassBatch, Metric } from './measurement.ts';
import { createSum } from './sum.ts';

/** The distance of Float32 from 1: what most models can tell from certainty. */
const EPSILON = 2 ** -23;

/**
 * Mean of -ln p, p being the probability that the model gave to the class that the row has (cross-entropy; Good 1952). 0 and
 * more; lower is better.
 *
 * p is clipped to [2^-23, 1 - 2^-23], since one certain mistake would make the mean infinite. The bound is the same for all
 * models, whatever their output type, so that they can be compared; scikit-learn's log_loss takes the same one for Float32 and a
 * smaller one for Float64.
 */
export function createLogLoss(): Metric<ClassBatch> {
  const losses = createSum();
  let rows = 0;
  let clipped = 0;
  return {
    add: ({ labels, classes, probabilities }) => {
      for (const [row, label] of labels.entries()) {
        const given = probabilities[row * classes + label] ?? Number.NaN;
        const probability = Math.min(Math.max(given, EPSILON), 1 - EPSILON);
        if (probability !== given) clipped += 1;
        losses.add(-Math.log(probability));
      }
      rows += labels.length;
    },
    measure: () => measured(losses.total() / rows, { rows, clipped }),
  };
}
