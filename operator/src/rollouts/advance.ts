/** One step of a rollout at most: abort, finish, give the candidate the weight of its step, or say what that waits for. */
import { isGradual, lastIndex, podsFor, stepAt } from './course.ts';
import type { Course, Step } from './course.ts';
import type { Decision, RolloutInput, Serving } from './decide-traffic.ts';
import { pauseReason } from './heard.ts';
import { ended, REMEMBERED } from './record.ts';
import type { Rollout, RolloutRecord, Why } from './record.ts';
import { allTo, moved } from './traffic.ts';
import type { Traffic } from './traffic.ts';

export type Waiting =
  /** It was aborted, and stays so until it is tried again or something else is asked for. */
  | { readonly for: 'Retry'; readonly why: Why }
  | { readonly for: 'PreviouslyRolledBack' | 'Paused' | 'Promotion' | 'Gateways' }
  /** Pods of the candidate that answer are too few for the step. */
  | { readonly for: 'Pods'; readonly ready: number; readonly wanted: number }
  | { readonly for: 'Time'; readonly ms: number }
  | { readonly for: 'Analysis'; readonly message: string };

export function advance(input: Serving, record: RolloutRecord, rollout: Rollout): Decision {
  const why = rollout.phase === 'Aborted' ? rollout.why : abortReason(input, rollout);
  if (why !== undefined) return aborted(input, record, { ...rollout, why });
  const current = isPromoted(input, rollout) ? atLastStep(input, rollout) : rollout;
  const pause = pauseReason(current, input.acceptAgain);
  if (pause !== undefined) return stays(input, record, current, { for: pause });
  if (isTaken(input, current)) return holds(input, record, current);
  return takes(input, record, current);
}

/** Waits for nothing: least of all for the stable revision to be without fault. */
function aborted(input: Serving, record: RolloutRecord, rollout: Rollout & { why: Why }): Decision {
  const { since: _since, pausedAt: _pausedAt, ...rest } = rollout;
  const { live, now } = input;
  const current: Rollout = { ...rest, phase: 'Aborted' };
  const rolledBack = [...new Set([...refusedModel(input, rollout), ...record.rolledBack])].slice(0, REMEMBERED);
  return {
    traffic: moved(live, allTo(live.stable), now),
    record: { ...record, current, rolledBack },
    waiting: { for: 'Retry', why: rollout.why },
  };
}

/** Where there was no request nothing is learnt of the model, and an abort says nothing of the one that serves. */
function refusedModel({ live, stableDigest }: Serving, rollout: Rollout): readonly string[] {
  const { phase, by, modelDigest, why, to } = rollout;
  // Who takes back that he went back says nothing of either.
  if (phase === 'Aborted' || by !== undefined || modelDigest === undefined || modelDigest === stableDigest) return [];
  const isUnknown = why?.by === 'NoData' || (why?.by === 'Deadline' && !getsRequests(live, to));
  return isUnknown ? [] : [modelDigest];
}

function getsRequests({ weights, mirrors }: Traffic, revision: string): boolean {
  return (weights[revision] ?? 0) > 0 || mirrors[revision] !== undefined;
}

/** A person's word comes first, then what the analysis says, then the deadline. */
function abortReason(input: Serving, rollout: Rollout): Why | undefined {
  const { asked, to } = rollout;
  if (asked.verdict === 'Abort') return { by: 'Person', message: 'spec.verdict of the ModelRollout is Abort.' };
  if (asked.verdict === 'Promote') return undefined;
  const { analysis, live, course } = input;
  if (analysis?.verdict === 'Failing' && getsRequests(live, to)) {
    return { by: 'Analysis', message: `${analysis.message}.` };
  }
  if (course.deadline?.action !== 'Abort' || !isOverdue(input, rollout)) return undefined;
  return { by: 'Deadline', message: 'it had not ended by its deadline.' };
}

function isPromoted(input: Serving, rollout: Rollout): boolean {
  if (rollout.asked.verdict === 'Promote') return true;
  return input.course.deadline?.action === 'Promote' && isOverdue(input, rollout);
}

function isOverdue(input: Serving, rollout: Rollout): boolean {
  const left = leftUntilDeadline(input, rollout);
  return left !== undefined && left <= 0;
}

/** Milliseconds; undefined where none runs. */
function leftUntilDeadline(
  { course: { deadline }, now }: RolloutInput,
  { begunAt, pausedAt }: Rollout,
): number | undefined {
  if (deadline === undefined || pausedAt !== undefined) return undefined;
  return deadline.afterMs - (now.getTime() - Date.parse(begunAt));
}

function atLastStep({ course }: Serving, rollout: Rollout): Rollout {
  return rollout.step >= lastIndex(course) ? rollout : atStep(rollout, lastIndex(course));
}

function atStep({ since: _since, ...rest }: Rollout, step: number): Rollout {
  return { ...rest, step };
}

/** The route gives the candidate what its step says. A course whose weights were lowered meanwhile takes nothing back. */
export function isTaken(
  { live, course }: { readonly live: Pick<Traffic, 'weights' | 'mirrors'>; readonly course: Course },
  { to, step }: Pick<Rollout, 'to' | 'step'>,
): boolean {
  const { weight, mirrorPercent } = stepAt(course, step);
  const listed = live.weights[to];
  return listed !== undefined && listed >= weight && (live.mirrors[to] ?? 0) === mirrorPercent;
}

/**
 * The step counts, and its time begins, when every gateway goes by it. What it waits for then is the same while one is
 * new or has not told yet, as after a start of the operator; but none that is behind is left behind.
 */
function holds(input: Serving, record: RolloutRecord, current: Rollout): Decision {
  const { course, isConfirmed, answering, live, now } = input;
  const step = stepAt(course, current.step);
  const isLast = current.step >= lastIndex(course);
  if (!isConfirmed && (isLast || current.since === undefined)) {
    return stays(input, record, current, { for: 'Gateways' });
  }
  if (isLast) {
    if (!answering.includes(current.to)) return stays(input, record, current, podsWaited(input, current, step));
    return { traffic: moved(live, allTo(current.to), now), record: ended({ ...record, current }, 'Promoted', now) };
  }
  const begun = { ...current, since: current.since ?? now.toISOString() };
  const waiting = waitsAt(input, begun, step);
  if (waiting !== undefined) return waits(input, record, { begun, waiting });
  if (!isConfirmed) return stays(input, record, begun, { for: 'Gateways' });
  return takes(input, record, atStep(current, current.step + 1));
}

/** Unless it shall not wait for requests. A gateway that was not heard may have had some. */
function waits(
  input: Serving,
  record: RolloutRecord,
  { begun, waiting }: { readonly begun: Rollout; readonly waiting: Waiting },
): Decision {
  const { analysis, isConfirmed } = input;
  const hasNoData = waiting.for === 'Analysis' && analysis?.verdict === 'NoData' && isConfirmed;
  if (hasNoData && analysis.abortsWithoutData)
    return aborted(input, record, { ...begun, why: { by: 'NoData', message: `${analysis.message}.` } });
  return stays(input, record, begun, waiting);
}

/** What a step that every gateway goes by still waits for. */
function waitsAt(
  { now, analysis }: Serving,
  { since, step: index, asked }: Rollout & { since: string },
  step: Step,
): Waiting | undefined {
  const left = step.atLeastMs - (now.getTime() - Date.parse(since));
  if (left > 0) return { for: 'Time', ms: left };
  if (step.waitsForPromotion && asked.approvedStep < index + 1) return { for: 'Promotion' };
  if (analysis === undefined || analysis.verdict === 'Passing') return undefined;
  return { for: 'Analysis', message: analysis.message };
}

/**
 * The weight rises when the pods for it are ready. The first step of several also waits until every gateway lists the
 * candidate, and no longer one that it takes the place of.
 */
function takes(input: Serving, record: RolloutRecord, current: Rollout): Decision {
  const { live, course, isConfirmed, total, ready, now } = input;
  const { to } = current;
  const step = stepAt(course, current.step);
  const isListed = isConfirmed && live.weights[to] !== undefined;
  if (isGradual(course) && !isListed) return stays(input, record, current, { for: 'Gateways' });
  if (ready(to) < podsFor(step, total)) return stays(input, record, current, podsWaited(input, current, step));
  const weight = Math.max(step.weight, live.weights[to] ?? 0);
  const mirrors = step.mirrorPercent === 0 ? {} : { [to]: step.mirrorPercent };
  return {
    traffic: moved(live, { ...split(live.stable, to, weight), mirrors }, now),
    record: { ...record, current },
    waiting: { for: 'Gateways' },
  };
}

function podsWaited({ total, ready }: Serving, { to }: Rollout, step: Step): Waiting {
  return { for: 'Pods', ready: ready(to), wanted: podsFor(step, total) };
}

/** The weights are as they were; the candidate is listed. */
function stays({ live, now }: Serving, record: RolloutRecord, current: Rollout, waiting: Waiting): Decision {
  const { to } = current;
  const mirror = live.mirrors[to];
  const mirrors = mirror === undefined ? {} : { [to]: mirror };
  return {
    traffic: moved(live, { ...split(live.stable, to, live.weights[to] ?? 0), mirrors }, now),
    record: { ...record, current },
    waiting,
  };
}

function split(stable: string, candidate: string, weight: number): Pick<Traffic, 'stable' | 'weights'> {
  return { stable, weights: { [stable]: 100 - weight, [candidate]: weight } };
}

/** Pods that the candidate of the current rollout shall have. */
export function candidatePods({ current }: RolloutRecord, course: Course, total: number): number {
  const step = current === undefined ? undefined : stepAt(course, current.step);
  return podsFor(step ?? stepAt(course, lastIndex(course)), total);
}

/** The fewest pods that the stable revision keeps, so that it can take everything back at once. */
export function stableFloor({ current }: RolloutRecord, course: Course): number {
  return current?.phase === 'Progressing' && isGradual(course) ? current.stablePods : 0;
}

/** When time alone may change the decision, in milliseconds; undefined if it cannot. */
export function looksAgainMs(input: RolloutInput, { record: { current }, waiting }: Decision): number | undefined {
  if (current?.phase !== 'Progressing') return undefined;
  const times = [waiting?.for === 'Time' ? waiting.ms : undefined, leftUntilDeadline(input, current)];
  const ahead = times.flatMap((ms) => (ms === undefined || ms <= 0 ? [] : [ms]));
  return ahead.length === 0 ? undefined : Math.min(...ahead);
}
