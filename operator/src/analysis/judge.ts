/** What the counts say of a candidate: a pure decision, which may be taken as often as one likes. */
import type { Analysis, AnalysisCheck } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { AnalysisState } from './analysis-state.ts';
import { measure } from './measure.ts';
import type { Measured } from './measure.ts';
import { sumPairs } from './revision-statistics.ts';
import { messageOf } from './verdict-message.ts';

/** From bad to good. */
const VERDICTS = ['Failing', 'NoData', 'Undecided', 'Passing'] as const;
/**
 * Failing: the candidate is worse than the check allows, and that is no chance. NoData: there was nothing to judge by. Undecided:
 * too few requests, or more than is allowed, which may be chance. Passing: within what is allowed, by enough requests.
 */
export type Verdict = (typeof VERDICTS)[number];

export interface CheckVerdict extends Pick<Measured, 'value' | 'limit' | 'samples'> {
  readonly name: string;
  readonly metric: AnalysisCheck['metric'];
  readonly verdict: Verdict;
  readonly message: string;
}

export interface Judgement {
  /** The worst of all checks. */
  readonly verdict: Verdict;
  /** Of the checks that have it. */
  readonly message: string;
  readonly checks: readonly CheckVerdict[];
}

export interface JudgeOptions {
  /** How often in a rollout the state begins anew: once for each step that is judged. */
  readonly steps: number;
  /** What share of rollouts whose candidates are within what the checks allow may be aborted all the same. Default 0.05. */
  readonly falseAborts?: number;
}

export function judge(
  state: AnalysisState,
  { checks, minSamples }: DeepReadonly<Analysis>,
  { steps, falseAborts = 0.05 }: JudgeOptions,
): Judgement {
  /** Each check of each step has its part of what may go wrong. */
  const needed = Math.log((steps * checks.length) / falseAborts);
  const all = sumPairs(state.compared, state.open);
  const judged = checks.map((check): CheckVerdict => {
    const measured = measure(check, state, all);
    const verdict = verdictOf(measured, { minSamples, needed });
    const { value, limit, samples } = measured;
    const message = messageOf(check, measured, { verdict, minSamples });
    return { name: check.name, metric: check.metric, verdict, value, limit, samples, message };
  });
  const worst = VERDICTS.find((verdict) => judged.some((check) => check.verdict === verdict)) ?? 'NoData';
  const messages = judged.filter(({ verdict }) => verdict === worst).map(({ message }) => message);
  return { verdict: worst, message: messages.join('; '), checks: judged };
}

function verdictOf(
  { value, limit, strength, samples, stable, without }: Measured,
  { minSamples, needed }: { readonly minSamples: number; readonly needed: number },
): Verdict {
  if (without !== undefined) return 'NoData';
  if (value === undefined || limit === undefined) return 'Undecided';
  if (value > limit) return strength >= needed ? 'Failing' : 'Undecided';
  return Math.min(samples, stable?.samples ?? samples) >= minSamples ? 'Passing' : 'Undecided';
}
