import { MAX_ROLLOUT_HISTORY } from '@slipway/crds';
import type { Condition, ModelRollout, ModelRolloutStatus } from '@slipway/crds';
import type { DeepReadonly, WantedCondition } from '@slipway/kube';
import type { CheckVerdict, Judgement } from '../../analysis/judge.ts';
import { baseStatus, inProgress, isTrue, ready, stalled } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import { stepAt } from '../../rollouts/course.ts';
import type { Ended, Outcome } from '../../rollouts/record.ts';
import { isOf } from '../inference-service/undo-input.ts';
import { rolloutReason } from '../inference-service/rollout-words.ts';
import type { Rollouts, RolloutState } from '../inference-service/rollout-words.ts';

type Status = ModelRolloutStatus & { conditions: Condition[] };
type ShownVerdict = NonNullable<ModelRolloutStatus['analysis']>[number];

/** Undefined where nothing is known of it any more: then the status stays as it is. */
export function modelRolloutStatus(
  rollout: DeepReadonly<ModelRollout>,
  { record, current }: Rollouts,
  now: Date,
): Status | undefined {
  if (current !== undefined && isOf(rollout, current.rollout)) return runningStatus(rollout, current, now);
  const ended = record.ended.find((one) => isOf(rollout, one));
  return ended && endedStatus(rollout, ended, now);
}

/** Of a ModelRollout that no service knows, which a person has made. */
export function unknownStatus(rollout: DeepReadonly<ModelRollout>, why: Reason, now: Date): Status {
  return { ...baseStatus(rollout, stalled(why), now), history: historyWith(rollout, why, now) };
}

function runningStatus(rollout: DeepReadonly<ModelRollout>, state: RolloutState, now: Date): Status {
  const { course, weight, isConfirmed, judgement, rollout: current } = state;
  const why = rolloutReason(state);
  return {
    ...baseStatus(rollout, runningConditions(state, why), now),
    step: Math.min(current.step + 1, course.steps.length),
    steps: course.steps.length,
    weight: current.phase === 'Aborted' ? 0 : Math.max(weight, stepAt(course, current.step).weight),
    ...(isConfirmed ? { observedWeight: weight } : {}),
    ...shownAnalysis(rollout, judgement),
    ...(current.phase === 'Aborted' ? { outcome: 'Aborted' as const } : {}),
    history: historyWith(rollout, why, now),
  };
}

function runningConditions({ rollout, waiting, isUnderWay }: RolloutState, why: Reason): WantedCondition[] {
  if (rollout.phase === 'Aborted') return [...stalled(why), isTrue('Failed', why)];
  if (waiting?.for === 'PreviouslyRolledBack') return stalled(why);
  return isUnderWay || waiting?.for === 'Paused' ? ready(why) : inProgress(why);
}

/** What was said of the step before stays until there is something to say of the next. */
function shownAnalysis(
  { status }: DeepReadonly<ModelRollout>,
  judgement: Judgement | undefined,
): Pick<ModelRolloutStatus, 'analysis'> {
  const analysis = judgement?.checks.map(shownVerdict) ?? status?.analysis?.map((verdict) => ({ ...verdict }));
  return analysis === undefined ? {} : { analysis };
}

/** Of a rollout that has come to rest the first digits stay, so that there is nothing to write. */
function shownVerdict({ name, verdict, value, limit, samples }: CheckVerdict): ShownVerdict {
  return {
    name,
    verdict,
    ...(value === undefined ? {} : { value: rounded(value) }),
    ...(limit === undefined ? {} : { limit: rounded(limit) }),
    samples: rounded(samples),
  };
}

function rounded(value: number): number {
  return Number(value.toPrecision(2));
}

function endedStatus(rollout: DeepReadonly<ModelRollout>, ended: Ended, now: Date): Status {
  const { step, steps } = rollout.status ?? {};
  const why = endReason(ended);
  const weight = ended.outcome === 'Promoted' ? 100 : 0;
  return {
    ...baseStatus(rollout, endedConditions(ended, why), now),
    ...(steps === undefined ? {} : { step: ended.outcome === 'Promoted' ? steps : (step ?? 1), steps }),
    weight,
    observedWeight: weight,
    outcome: ended.outcome,
    ...shownAnalysis(rollout, undefined),
    history: historyWith(rollout, why, now),
  };
}

function endedConditions({ outcome }: Ended, why: Reason): WantedCondition[] {
  if (outcome === 'Aborted' || outcome === 'Refused') return [...stalled(why), isTrue('Failed', why)];
  return outcome === 'Promoted' ? [...ready(why), isTrue('Succeeded', why)] : ready(why);
}

const ENDS: Readonly<Record<Exclude<Outcome, 'Aborted' | 'Refused'>, Reason>> = {
  Promoted: { reason: 'Promoted', message: 'The candidate has all requests, and is the stable revision now.' },
  Superseded: { reason: 'Superseded', message: 'Something else was asked for before it had ended.' },
  Withdrawn: { reason: 'Withdrawn', message: 'What served already was asked for again, and has kept serving.' },
};

function endReason({ outcome, why }: Ended): Reason {
  if (outcome === 'Refused') return { reason: 'UndoRefused', message: why?.message ?? '' };
  if (outcome !== 'Aborted') return ENDS[outcome];
  return { reason: 'RolloutAborted', message: `It was aborted: ${why?.message ?? ''}` };
}

/** A retry is told of, too, because its reason is another one than that of the abort. */
function historyWith(
  { status }: DeepReadonly<ModelRollout>,
  { reason: what, message: why }: Reason,
  now: Date,
): NonNullable<ModelRolloutStatus['history']> {
  const before = (status?.history ?? []).map((event) => ({ ...event }));
  const [last] = before;
  if (last?.what === what && last.why === why) return before;
  return [{ at: now.toISOString(), what, why }, ...before].slice(0, MAX_ROLLOUT_HISTORY);
}
