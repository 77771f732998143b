/**
 * Which revision gets the requests: a pure decision. The TrafficRoute is the record of it, so that a lost status moves
 * nothing; its sequence, and that every gateway has confirmed it, are what makes each step safe to take.
 *
 * A change begins with one write: the candidate is listed with weight 0, and the record says which rollout this is. Step by
 * step (`advance.ts`) it gets its weight, the last time all of it, while the old revision stays `stable`, which stands in for
 * it wherever a gateway has not heard of its pods yet; once every gateway has confirmed the last step, it becomes `stable`, and
 * the old one is listed no more. An abort is one write, too, and waits for nothing: all requests go to `stable`.
 *
 * Nothing ends before the gateways have confirmed a route that does not list it. That write also keeps a late one of a dead
 * leader, which would give it traffic again, from being taken: its sequence is not above this one's.
 */
import { advance } from './advance.ts';
import type { Waiting } from './advance.ts';
import { lastIndex } from './course.ts';
import type { Course } from './course.ts';
import { heard } from './heard.ts';
import { ended, NOTHING_ASKED } from './record.ts';
import type { Asked, Outcome, Rollout, RolloutRecord, UndoSource } from './record.ts';
import { allTo, moved } from './traffic.ts';
import type { Traffic } from './traffic.ts';
import { aimed } from './undo.ts';
import type { AskedUndo } from './undo.ts';

/** The revision that the spec asks for. */
export interface DesiredRevision {
  readonly name: string;
  /** Undefined where its snapshot cannot be read. */
  readonly modelDigest: string | undefined;
  /** Why it is another one than the stable one. */
  readonly cause: Rollout['cause'];
  /** Of an Undo. */
  readonly by?: UndoSource | undefined;
}

/** What the analysis of the candidate says, all in all. */
export interface Verdict {
  readonly verdict: 'Passing' | 'Failing' | 'Undecided' | 'NoData';
  /** Without a full stop. */
  readonly message: string;
  /** A step whose time is over goes back where there is no data, instead of waiting for some. */
  readonly abortsWithoutData: boolean;
}

export interface RolloutInput {
  /** Of the TrafficRoute that exists. */
  readonly live: Traffic | undefined;
  readonly record: RolloutRecord;
  /** All serving gateways apply that one. */
  readonly isConfirmed: boolean;
  /** Undefined where it cannot be said now. */
  readonly desired: DesiredRevision | undefined;
  /** Of the model that serves; undefined where it cannot be said. */
  readonly stableDigest: string | undefined;
  /** Of the model that a revision serves; undefined where it cannot be said. */
  readonly digestOf: (revision: string) => string | undefined;
  /** The oldest that was not answered yet. */
  readonly undo: AskedUndo | undefined;
  readonly course: Course;
  /** Digests of models that may be tried again though they were rolled back here. */
  readonly acceptAgain: readonly string[];
  /** What people ask for in the ModelRollout of a rollout; undefined where there is none. */
  readonly asked: (rollout: Pick<Rollout, 'number' | 'by'>) => Asked | undefined;
  /** The highest number of a ModelRollout that exists; 0 without one. */
  readonly highestNumber: number;
  /** Undefined where nothing is analysed. */
  readonly analysis: Verdict | undefined;
  /** Pods that the service shall have now. */
  readonly total: number;
  /** Pods of the stable revision that its Deployment asks for. */
  readonly stablePods: number;
  /** Pods of a revision that answer and are listed as endpoints. */
  readonly ready: (revision: string) => number;
  /** Revisions of which a pod answers and is listed, the newest first. */
  readonly answering: readonly string[];
  /** Whether anything of the revision is still there. */
  readonly exists: (revision: string) => boolean;
  readonly now: Date;
}

export interface Decision {
  /** Undefined where there is no revision that the route could name. */
  readonly traffic: Traffic | undefined;
  readonly record: RolloutRecord;
  /** What keeps the current rollout from its next step; undefined without one, or where this is the step. */
  readonly waiting?: Waiting | undefined;
}

/** With what it was made from, where an Undo in force takes the place of what the spec says. */
export interface AimedDecision extends Decision, Pick<RolloutInput, 'course' | 'desired'> {}

/** A service that serves: what the decisions of a rollout are made from. */
export interface Serving extends RolloutInput {
  readonly live: Traffic & { readonly movedAt: string };
}

export function decideTraffic(input: RolloutInput): AimedDecision {
  const { live, desired, exists, course } = input;
  if (live === undefined || !hasMoved(live) || !(exists(live.stable) || live.stable === desired?.name))
    return { ...firstTraffic(input), course, desired };
  const serving = aimed({ ...input, live });
  return { ...nextTraffic(serving), course: serving.course, desired: serving.desired };
}

function nextTraffic(input: Serving): Decision {
  const { live, now } = input;
  const record = inForce(input);
  if (record.current === undefined) return { record, traffic: moved(live, allTo(live.stable), now) };
  return advance(input, record, heard(record.current, input));
}

function hasMoved(traffic: Traffic): traffic is Serving['live'] {
  return traffic.movedAt !== undefined;
}

/** No revision has answered yet, or what was stable is gone (somebody deleted it): any that answers is better than none. */
function firstTraffic({ live, record, desired, answering, exists, now }: RolloutInput): Decision {
  const name = desired?.name;
  const stable = name !== undefined && answering.includes(name) ? name : answering[0];
  if (stable !== undefined) {
    const traffic = moved(live, allTo(stable, name === undefined ? [] : [name]), now);
    return { traffic, record: ended(record, stable === record.current?.to ? 'Promoted' : 'Superseded', now) };
  }
  // Listed already, so that gateways know the host and say that nothing is ready, or hold requests until it is.
  const waited = name ?? (live !== undefined && exists(live.stable) ? live.stable : undefined);
  if (waited === undefined) return { traffic: undefined, record };
  return { traffic: { ...allTo(waited), movedAt: undefined }, record };
}

/** The record with the rollout that is in force: the one that was, a new one, or none. */
function inForce(input: Serving): RolloutRecord {
  const { live, record, desired, now } = input;
  const { current } = record;
  if (current !== undefined && leadsTo(current, desired)) return record;
  // It was refused already; what is asked for is only not known for a while.
  if (current?.phase === 'Aborted' && desired === undefined) return record;
  const isBack = desired?.name === live.stable;
  const before = ended(record, outcomeOf(current, isBack), now);
  return desired === undefined || isBack ? before : begun(input, before, desired);
}

function leadsTo({ to, by }: Rollout, desired: DesiredRevision | undefined): boolean {
  return desired !== undefined && to === desired.name && by?.uid === desired.by?.uid;
}

function outcomeOf(current: Rollout | undefined, isBack: boolean): Outcome {
  if (current?.phase === 'Aborted') return 'Aborted';
  return isBack ? 'Withdrawn' : 'Superseded';
}

function begun(
  input: Serving,
  before: RolloutRecord,
  { name, modelDigest, cause, by }: DesiredRevision,
): RolloutRecord {
  const { live, stableDigest, acceptAgain, highestNumber, stablePods, now } = input;
  const number = Math.max(before.lastNumber, highestNumber) + 1;
  // A person who goes back to a model says by that that it is well.
  const isNew = by === undefined && modelDigest !== undefined && modelDigest !== stableDigest;
  const isRefused = isNew && before.rolledBack.includes(modelDigest) && !acceptAgain.includes(modelDigest);
  const current: Rollout = {
    number,
    from: live.stable,
    to: name,
    cause,
    ...(by === undefined ? {} : { by }),
    ...(modelDigest === undefined ? {} : { modelDigest }),
    phase: 'Progressing',
    step: reachedStep(input, name),
    begunAt: now.toISOString(),
    ...(isRefused ? { isHeldBack: true } : {}),
    stablePods,
    asked: NOTHING_ASKED,
  };
  return { ...before, lastNumber: number, current };
}

/** A route without a record (of an older version of the operator, or somebody took it away) says by its weights how far it is. */
function reachedStep({ live, course }: Serving, name: string): number {
  const weight = live.weights[name] ?? 0;
  const index = weight === 0 ? 0 : course.steps.findIndex((step) => step.weight >= weight);
  return index === -1 ? lastIndex(course) : index;
}
