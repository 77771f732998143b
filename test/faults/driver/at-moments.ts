/** What did not hold for a moment, though all is well at the end. Pure. */
import { endsWhatServes, trafficToUnready, twoVerdicts } from '../oracles/moment-oracles.ts';
import { foundBy } from '../oracles/problem.ts';
import type { Problem } from '../oracles/problem.ts';
import { momentsOf } from './moments.ts';
import type { Change } from './observer.ts';
import type { Step } from './workload.ts';

/**
 * Of all that happened until the end of this step, which began with the change at `from`.
 *
 * `isLate`: a write of the plan came a step late. What that does for a moment is let pass: nothing in it tells the API server what its
 * sender's successor has decided since.
 */
export function problemsAtMoments(
  changes: readonly Change[],
  { name, always, endsAll = false }: Step,
  { from, isLate }: { readonly from: number; readonly isLate: boolean },
): Problem[] {
  if (endsAll) return [];
  const at = (oracle: string, lines: readonly string[]) =>
    foundBy(
      oracle,
      lines.map((line) => `${name}: for a moment, ${line}`),
    );
  return [
    ...at('trafficToUnready', trafficToUnready(momentsOf(changes))),
    ...at('twoVerdicts', twoVerdicts(momentsOf(changes))),
    ...(isLate ? [] : at('endsWhatServes', endsWhatServes(momentsOf(changes)))),
    ...(isLate ? [] : at('always', notAlways(changes, always, from))),
  ];
}

function notAlways(changes: readonly Change[], always: Step['always'], from: number): string[] {
  if (always === undefined) return [];
  const found = new Set<string>();
  for (const moment of momentsOf(changes, from)) {
    const problem = always(moment);
    if (problem !== undefined) found.add(problem);
  }
  return [...found];
}
