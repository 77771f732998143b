/** Defects that we seed into the operator, to see that the harness finds them. Each is a change of one line of its source. */
import type { Action } from '../proxy/plan.ts';

export interface Mutant {
  /** What is wrong with it. */
  readonly what: string;
  /** Path in the checkout. */
  readonly file: string;
  /** Must stand in the file exactly once, or the mutant is out of date and nothing starts. */
  readonly from: string;
  readonly to: string;
  /** Faults that bring it to light; none: it shows without one. */
  readonly shownBy: readonly Action['kind'][];
}

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  noOwnerReference: {
    what: 'children do not go with their owner',
    file: 'kube/src/apply.ts',
    from: 'ownerReferences: [referenceTo(owner)]',
    to: 'ownerReferences: []',
    shownBy: [],
  },
  statusEachLoop: {
    what: 'status is written whether or not it changed',
    file: 'kube/src/status.ts',
    from: 'if (canonicalJson(wanted) === canonicalJson(withoutNulls(object.status ?? {}))) return false;',
    to: '',
    shownBy: [],
  },
  noRetry: {
    what: 'after an error nothing is tried again',
    file: 'kube/src/controller.ts',
    from: 'const failures = queue.addBackoff(key, `retry after ${reason}`, retryAfterOf(error));',
    to: 'const failures = 1;',
    shownBy: ['status'],
  },
  trustsTheHash: {
    what: 'a child is not looked at beyond the hash of what was applied last',
    file: 'kube/src/apply.ts',
    from: 'if (live !== undefined && isConverged(client, live, rendered, drift)) return false;',
    to: 'if (live !== undefined) return false;',
    shownBy: [],
  },
};
