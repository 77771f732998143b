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
  /** Name of the workload that it is tried with. */
  readonly workload: 'serve' | 'mend';
  /** Faults that bring it to light; none: it shows without one. */
  readonly shownBy: readonly Action['kind'][];
}

export const MUTANTS: Readonly<Record<string, Mutant>> = {
  noOwnerReference: {
    what: 'children do not go with their owner',
    file: 'kube/src/apply.ts',
    from: 'ownerReferences: [referenceTo(owner)]',
    to: 'ownerReferences: []',
    workload: 'serve',
    shownBy: [],
  },
  statusEachLoop: {
    what: 'status is written whether or not it changed',
    file: 'kube/src/status.ts',
    from: 'if (canonicalJson(wanted) === canonicalJson(withoutNulls(object.status ?? {}))) return false;',
    to: '',
    workload: 'serve',
    shownBy: [],
  },
  noRetry: {
    what: 'after an error nothing is tried again',
    file: 'kube/src/controller.ts',
    from: 'const failures = queue.addBackoff(key, `retry after ${reason}`, retryAfterOf(error));',
    to: 'const failures = 1;',
    workload: 'serve',
    shownBy: ['status'],
  },
  trustsTheHash: {
    what: 'what somebody else changed in a child stays',
    file: 'kube/src/apply.ts',
    from: 'if (drift.length === 0) return true;',
    to: "if (live.metadata.annotations?.['slipway.dev/applied'] === hash) return true;",
    workload: 'mend',
    shownBy: [],
  },
};
