import type { Reason } from '../../conditions.ts';
import { askedOf, withResult } from './materialization.ts';
import type { Materialization } from './materialization.ts';
import type { ObservedFeatureSet } from './observe.ts';

export type FeatureSetCheck = (observed: ObservedFeatureSet) => Reason | undefined;

/** Order matters: the first failing check is the reason that people see. */
const startChecks: readonly FeatureSetCheck[] = [
  ({ source }) => source.problem, // nothing can be read
  ({ output }) => output.problem, // nothing can be written
];

/** Why a materialisation cannot start; undefined when it can. */
export function startProblem(observed: ObservedFeatureSet): Reason | undefined {
  for (const check of startChecks) {
    const problem = check(observed);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

export type Usable =
  | { readonly materialization: Materialization; readonly why?: undefined }
  | { readonly materialization?: undefined; readonly why: Reason };

const MATERIALISING: Reason = { reason: 'Materializing', message: 'A Job reads the source and writes the features.' };

/**
 * The materialisation that a Dataset may join: the one that the spec asks for, or, where its checks refused the rows
 * (`onFailure: KeepLast`), the last good one of the same definition. Judged from Jobs, never from a status.
 */
export function usableMaterialization(observed: ObservedFeatureSet): Usable {
  const { current, newest } = observed;
  const { outcome } = current;
  switch (outcome.state) {
    case 'succeeded': {
      const asked = current.job === undefined ? undefined : askedOf(current.job);
      if (asked !== undefined) return { materialization: withResult(asked, outcome.result) };
      return {
        why: { reason: 'ResultLost', message: 'The Job does not say what it made. Raise spec.run to make it anew.' },
      };
    }
    case 'failed':
      return outcome.reason === 'CheckFailed' && newest !== undefined ? { materialization: newest } : { why: outcome };
    case 'pending':
      return { why: outcome.reason === 'Starting' ? MATERIALISING : outcome };
    case 'running':
      return { why: outcome.trouble ?? MATERIALISING };
    case 'absent':
      break;
  }
  return withoutJob(observed);
}

/** Rows that were written stay good when the Store of the source is gone; when the Store that holds them is, they are not there. */
function withoutJob(observed: ObservedFeatureSet): Usable {
  const { output, newest } = observed;
  const problem = startProblem(observed);
  if (problem === undefined) return { why: MATERIALISING };
  return output.problem === undefined && newest !== undefined ? { materialization: newest } : { why: problem };
}
