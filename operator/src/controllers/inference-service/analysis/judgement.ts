/** What the analysis of a rollout says, from what is written of it at the ModelRollout: pure, so that every pass says the same. */
import type { Analysis, InferenceService, ModelRollout } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { judge } from '../../../analysis/judge.ts';
import type { Judgement } from '../../../analysis/judge.ts';
import type { AnalysisState } from '../../../analysis/analysis-state.ts';
import { parseStep } from '../../../analysis/written-step.ts';
import type { StepOfTry } from '../../../analysis/written-step.ts';
import { courseOf, isJudged } from '../../../rollouts/course.ts';
import type { Verdict } from '../../../rollouts/decide-traffic.ts';
import type { RolloutRecord } from '../../../rollouts/record.ts';

/** On the ModelRollout: what was observed of the step that is judged. */
export const ANALYSIS_ANNOTATION = 'slipway.dev/analysis';

export interface JudgedStep {
  readonly analysis: DeepReadonly<Analysis>;
  readonly of: StepOfTry;
  /** How many steps of the rollout are judged. */
  readonly steps: number;
}

/** The step at which the current rollout is judged; undefined where it is not. */
export function judgedStep(
  { spec }: DeepReadonly<InferenceService>,
  { current }: RolloutRecord,
): JudgedStep | undefined {
  const analysis = spec.rollout?.canary?.analysis;
  const course = courseOf(spec);
  // Who goes back asks for no steps.
  if (analysis === undefined || current === undefined || current.by !== undefined || !isJudged(course, current.step))
    return undefined;
  const steps = course.steps.filter((_, index) => isJudged(course, index)).length;
  return { analysis, of: { try: current.asked.try, step: current.step }, steps };
}

/** @param rollout The ModelRollout of the step's rollout. */
export function writtenState(
  { of }: JudgedStep,
  rollout: DeepReadonly<ModelRollout> | undefined,
): AnalysisState | undefined {
  return parseStep(rollout?.metadata.annotations?.[ANALYSIS_ANNOTATION], of);
}

export function judgementOf({ analysis, steps }: JudgedStep, state: AnalysisState): Judgement {
  return judge(state, analysis, { steps });
}

/**
 * All in all, in words that do not change with each request as long as nothing follows from them.
 *
 * @param judgement undefined before the first look at what the gateways counted.
 */
export function verdictOf(
  { analysis: { onNoData } }: Pick<JudgedStep, 'analysis'>,
  judgement: Judgement | undefined,
): Verdict {
  const abortsWithoutData = onNoData === 'Abort';
  if (judgement === undefined) return { verdict: 'Undecided', message: 'it has just begun', abortsWithoutData };
  const { message } = judgement;
  const verdict =
    judgement.verdict === 'NoData' && onNoData === 'Continue' ? withoutNoData(judgement) : judgement.verdict;
  return { verdict, message: verdict === 'Undecided' ? undecided(judgement) : message, abortsWithoutData };
}

/** As if every check that has no data had passed. None fails here, else that would be the verdict of all. */
function withoutNoData({ checks }: Judgement): 'Undecided' | 'Passing' {
  return checks.some(({ verdict }) => verdict === 'Undecided') ? 'Undecided' : 'Passing';
}

function undecided({ checks }: Judgement): string {
  const names = checks.filter(({ verdict }) => verdict === 'Undecided').map(({ name }) => name);
  return `not decided yet: ${names.join(', ')}`;
}
