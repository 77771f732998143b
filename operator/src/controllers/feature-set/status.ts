import type { Condition, FeatureSetStatus } from '@slipway/crds';
import type { OperatorError, WantedCondition } from '@slipway/kube';
import { baseStatus, conditionsOfError, inProgress, isFalse, isTrue, ready, stalled } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import { startProblem, usableMaterialization } from './checks.ts';
import type { Materialization } from './materialization.ts';
import type { ObservedFeatureSet } from './observe.ts';

/** Undefined where an error says nothing about the FeatureSet: its status stays as it is. */
export function featureSetStatus(
  observed: ObservedFeatureSet,
  context: { readonly now: Date; readonly error?: OperatorError | undefined },
): (FeatureSetStatus & { conditions: Condition[] }) | undefined {
  const readiness = context.error === undefined ? readyConditions(observed) : conditionsOfError(context.error);
  if (readiness === undefined) return undefined;
  const conditions = [...readiness, ...checksPassed(observed)];
  const made = usableMaterialization(observed).materialization ?? observed.newest;
  return {
    ...baseStatus(observed.featureSet, conditions, context.now),
    definition: observed.definition,
    ...(made === undefined ? {} : { materialization: materializationFacts(made) }),
  };
}

function readyConditions(observed: ObservedFeatureSet): WantedCondition[] {
  const { outcome } = observed.current;
  const { materialization, why } = usableMaterialization(observed);
  if (outcome.state === 'failed' && materialization === undefined) return stalled(failure(observed, outcome));
  const problem = startProblem(observed);
  if (problem !== undefined) return inProgress(problem);
  if (materialization === undefined) return inProgress(why);
  return ready(
    outcome.state === 'failed'
      ? {
          reason: 'KeptLast',
          message: `The checks refused the newest rows; in use is what was there before: ${rows(materialization)}`,
        }
      : { reason: 'Materialized', message: rows(materialization) },
  );
}

function failure({ featureSet }: ObservedFeatureSet, { reason, message }: Reason): Reason {
  const again = `A change of the spec starts it again; after putting files right, raise spec.run to ${featureSet.spec.run + 1}.`;
  return { reason, message: `${message} ${again}` };
}

function rows({ rows: count, watermark }: Materialization): string {
  const until = watermark === undefined ? '' : `, the newest of ${watermark.event}`;
  return `${count} rows${until}.`;
}

function checksPassed({ featureSet, current: { outcome } }: ObservedFeatureSet): WantedCondition[] {
  if (outcome.state === 'failed' && outcome.reason === 'CheckFailed') return [isFalse('ChecksPassed', outcome)];
  if (outcome.state !== 'succeeded') return [];
  if (outcome.result.warnings.length > 0) {
    return [isFalse('ChecksPassed', { reason: 'Warnings', message: outcome.result.warnings.join(' ') })];
  }
  if (featureSet.spec.checks.length === 0) return [];
  return [isTrue('ChecksPassed', { reason: 'Passed', message: 'All rows passed the checks.' })];
}

function materializationFacts(made: Materialization): NonNullable<FeatureSetStatus['materialization']> {
  const { definition, run, path, rows: count, bytes, digest, watermark } = made;
  return { definition, run, path, rows: count, bytes, digest, ...(watermark === undefined ? {} : { watermark }) };
}
