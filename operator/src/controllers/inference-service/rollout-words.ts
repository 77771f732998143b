/** How a rollout stands, in words: for the conditions of the service and of the ModelRollout. */
import type { Judgement } from '../../analysis/judge.ts';
import type { Reason } from '../../conditions.ts';
import type { Waiting } from '../../rollouts/advance.ts';
import { isGradual, stepAt } from '../../rollouts/course.ts';
import type { Course } from '../../rollouts/course.ts';
import { decideTraffic } from '../../rollouts/decide-traffic.ts';
import type { Rollout, RolloutRecord } from '../../rollouts/record.ts';
import { nameOfRollout } from './build-rollout.ts';
import type { ObservedService } from './observe.ts';
import { desiredRevision } from './desired-revision.ts';
import { analysisJudgement, rolloutInput } from './rollout-input.ts';

export interface RolloutState {
  /** Of the ModelRollout. */
  readonly name: string;
  readonly rollout: Rollout;
  readonly course: Course;
  readonly waiting: Waiting | undefined;
  /** Of its step; undefined where that is not judged, or nothing was observed yet. */
  readonly judgement: Judgement | undefined;
  /** What the route gives the candidate, in percent. */
  readonly weight: number;
  /** The candidate gets requests or copies of them, and every gateway knows. */
  readonly isUnderWay: boolean;
  readonly isConfirmed: boolean;
}

/** Rollouts of the service as its route tells of them, and as the next pass would. */
export interface Rollouts {
  readonly record: RolloutRecord;
  readonly current: RolloutState | undefined;
}

export function rolloutsOf(observed: ObservedService, now: Date): Rollouts {
  const input = rolloutInput(observed, desiredRevision(observed).name, now);
  const { record, waiting, course } = decideTraffic(input);
  const { current } = record;
  if (current === undefined) return { record, current: undefined };
  const { live, isConfirmed } = input;
  const weight = live?.weights[current.to] ?? 0;
  const getsRequests = weight > 0 || live?.mirrors[current.to] !== undefined;
  const name = nameOfRollout(observed.service.metadata.name, current);
  const isUnderWay = getsRequests && (isConfirmed || current.step > 0 || current.since !== undefined);
  const judgement = analysisJudgement(observed, record);
  return { record, current: { name, rollout: current, course, waiting, judgement, weight, isUnderWay, isConfirmed } };
}

/** Its reason, and a sentence without numbers that change by themselves. */
export function rolloutReason(state: RolloutState): Reason {
  const { name, waiting } = state;
  switch (waiting?.for) {
    case 'Retry':
      return {
        reason: 'RolloutAborted',
        message:
          state.rollout.by !== undefined
            ? `${name} was aborted: ${waiting.why.message} What serves keeps serving.`
            : `${name} was aborted${isGradual(state.course) ? ` at ${stepOf(state)}` : ''}: ${waiting.why.message} Ask for another version, or raise spec.try of ModelRollout "${name}" to try it again.`,
      };
    case 'PreviouslyRolledBack':
      return {
        reason: 'PreviouslyRolledBack',
        message: `${name} waits: the same model was rolled back here before. List its digest in spec.rollout.acceptAgain to try it again.`,
      };
    case 'Paused':
      return {
        reason: 'RolloutPaused',
        message: `${name} is paused at ${placeOf(state)} by spec.state of the ModelRollout.`,
      };
    case 'Promotion':
      return {
        reason: 'WaitingForPromotion',
        message: `${name} is at ${placeOf(state)}, and goes on when spec.approvedStep of the ModelRollout is ${state.rollout.step + 1}.`,
      };
    case 'Analysis':
      return {
        reason: 'WaitingForAnalysis',
        message: `${name} is at ${placeOf(state)}, and waits for its analysis (${waiting.message}).`,
      };
    default:
      return { reason: 'RolloutInProgress', message: `${name} is at ${placeOf(state)}${waitWords(waiting)}.` };
  }
}

function waitWords(waiting: Waiting | undefined): string {
  switch (waiting?.for) {
    case 'Pods':
      return ', and waits for pods';
    case 'Gateways':
      return ', and waits for the gateways';
    case 'Time':
      return ', which is not over';
    default:
      return '';
  }
}

interface Placed extends Pick<RolloutState, 'course'> {
  readonly rollout: Pick<Rollout, 'step'>;
}

/** `step 2 of 4, 25 % of the requests` */
export function placeOf({ rollout: { step }, course, weight }: Placed & Pick<RolloutState, 'weight'>): string {
  const place = isGradual(course) ? `${stepOf({ rollout: { step }, course })}, ` : '';
  const { mirrorPercent } = stepAt(course, step);
  return mirrorPercent > 0 && weight === 0
    ? `${place}copies of ${mirrorPercent} % of the requests`
    : `${place}${weight} % of the requests`;
}

/** `step 2 of 4` */
function stepOf({ rollout: { step }, course }: Placed): string {
  return `step ${Math.min(step + 1, course.steps.length)} of ${course.steps.length}`;
}
