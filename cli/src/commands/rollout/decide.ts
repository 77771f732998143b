/** What a verb changes in a ModelRollout, and what it says to that; from the objects alone. */
import type { InferenceService, ModelRollout } from '@slipway/crds';
import { conditionOf } from '../../cluster/conditions.ts';
import { phaseOf } from '../../cluster/rollouts.ts';
import type { Phase } from '../../cluster/rollouts.ts';
import { CliError } from '../../errors.ts';
import { placeOf } from './words.ts';

export const VERBS = ['pause', 'resume', 'promote', 'abort', 'retry'] as const;
export type Verb = (typeof VERBS)[number];

export interface Wish {
  readonly verb: Verb;
  /** Of `promote`: the step to approve, counted from 1. Without it: the one that waits for a person. */
  readonly step?: number | undefined;
  /** Of `promote`: without the steps that are left. */
  readonly full?: boolean;
}

/** A rollout, and what it has to be judged by. */
export interface Subject {
  readonly rollout: ModelRollout;
  readonly service: InferenceService | undefined;
  /** Name of the newest rollout of the service, where that is another one. */
  readonly newer: string | undefined;
}

export interface Decision {
  /** Of the spec; undefined where it says so already. */
  readonly patch: Partial<ModelRollout['spec']> | undefined;
  /** What was done, and what comes next. */
  readonly words: string;
}

/** @throws CliError for what makes no sense as the rollout is. */
export function decide(subject: Subject, wish: Wish): Decision {
  return DECISIONS[wish.verb](subject, wish);
}

const DECISIONS: Readonly<Record<Verb, (subject: Subject, wish: Wish) => Decision>> = {
  pause: (subject) => {
    const { rollout } = goesOn(subject);
    const { name } = rollout.metadata;
    if (rollout.spec.verdict === 'Promote') {
      throw new CliError(
        `${name} is being promoted in full, which a pause does not stop.`,
        `To go back: ${command(subject, 'abort')}`,
      );
    }
    const next = `It goes on with: ${command(subject, 'resume')}`;
    if (rollout.spec.state === 'Paused') return already(`${name} is paused already. ${next}`);
    return { patch: { state: 'Paused' }, words: `${name} is paused ${placeOf(rollout)}. ${next}` };
  },
  resume: (subject) => {
    const { rollout } = goesOn(subject);
    const { name } = rollout.metadata;
    if (rollout.spec.state === 'Running') return already(`${name} is not paused. See: ${command(subject, 'status')}`);
    const words = `${name} goes on ${placeOf(rollout)}. See: ${command(subject, 'status')} --watch`;
    return { patch: { state: 'Running' }, words };
  },
  promote: (subject, wish) => {
    const { rollout } = subject;
    if (phaseOf(rollout) === 'Promoted') return already(`${rollout.metadata.name} is promoted already.`);
    goesOn(subject);
    if (wish.full === true) return promoteInFull(rollout);
    return wish.step === undefined ? approveWaiting(subject) : approve(rollout, wish.step);
  },
  abort: (subject) => {
    const { rollout } = subject;
    const { name } = rollout.metadata;
    const next = `To try it again: ${command(subject, 'retry')}`;
    if (phaseOf(rollout) === 'Aborted') return already(`${name} is aborted already. ${next}`);
    goesOn(subject);
    const from = rollout.spec.from?.revision;
    // An Undo that a person has written has none, and is over with its abort.
    const words =
      from === undefined
        ? `${name} is aborted: what the spec of the service asks for counts again.`
        : `${name} is aborted: all requests go back to ${from}. ${next}`;
    return { patch: { verdict: 'Abort' }, words };
  },
  retry: (subject) => {
    const { rollout, newer, service } = subject;
    const { name } = rollout.metadata;
    const phase = phaseOf(rollout);
    if (phase === 'GoesOn' && reasonOf(rollout) === 'PreviouslyRolledBack') throw heldBack(subject);
    if (phase === 'GoesOn') return already(`${name} goes on already (try ${rollout.spec.try}).`);
    if (phase !== 'Aborted') throw hasEnded(subject, phase);
    if (newer !== undefined) {
      const hint = `To try that model again, ask for it again. What goes on: slipway rollout status --rollout ${newer}`;
      throw new CliError(`${name} was followed by ${newer}, so there is nothing to try again.`, hint);
    }
    if (service !== undefined && isUpToDate(service)) {
      throw new CliError(
        `${name} was aborted, and InferenceService "${service.metadata.name}" has not asked for its revision since.`,
        'Ask for its version again in the spec of the service.',
      );
    }
    const tried = rollout.spec.try + 1;
    const words = `${name} begins again at step 1 (try ${tried}). See: ${command(subject, 'status')} --watch`;
    return { patch: { try: tried, verdict: 'Auto', state: 'Running' }, words };
  },
};

function already(words: string): Decision {
  return { patch: undefined, words };
}

function promoteInFull({ metadata: { name }, spec }: ModelRollout): Decision {
  const next = 'It gets all requests when all its pods answer.';
  if (spec.verdict === 'Promote') return already(`${name} is being promoted in full already. ${next}`);
  return { patch: { verdict: 'Promote' }, words: `${name} is promoted in full. ${next}` };
}

/** The step at which the rollout waits for a person now. */
function approveWaiting(subject: Subject): Decision {
  const { rollout } = subject;
  const { name } = rollout.metadata;
  const { step } = rollout.status ?? {};
  const reason = reasonOf(rollout);
  if (reason === 'PreviouslyRolledBack') throw heldBack(subject);
  if (rollout.spec.verdict === 'Promote') return promoteInFull(rollout);
  if (reason === 'WaitingForPromotion' && step !== undefined) return approve(rollout, step);
  throw new CliError(
    `${name} does not wait for a person: it is ${rollout.spec.state === 'Paused' ? 'paused ' : ''}${placeOf(rollout)}.`,
    `To approve a later step now: ${command(subject, 'promote')} --step N. To leave out the steps that are left: --full`,
  );
}

function approve({ metadata: { name }, spec, status }: ModelRollout, step: number): Decision {
  const { steps } = status ?? {};
  if (steps !== undefined && step >= steps) {
    const last = steps === 1 ? 'It has only the last step' : `Step ${steps} is the last`;
    throw new CliError(
      `${name} has no step ${step} to approve.`,
      `${last}, which gives it all requests, and needs none.`,
    );
  }
  const next = spec.state === 'Paused' ? 'It is paused, and stays so until it is resumed.' : goesOnTo(step, steps);
  if (spec.approvedStep >= step) return already(`Step ${step} of ${name} is approved already. ${next}`);
  return { patch: { approvedStep: step }, words: `Step ${step} of ${name} is approved. ${next}` };
}

function goesOnTo(step: number, steps: number | undefined): string {
  return step + 1 === steps
    ? 'After it the candidate gets all requests.'
    : `After it comes step ${step + 1}${steps === undefined ? '' : ` of ${steps}`}.`;
}

/** @throws CliError for a rollout that has ended, or was aborted. */
function goesOn(subject: Subject): Subject {
  const phase = phaseOf(subject.rollout);
  if (phase === 'GoesOn') return subject;
  if (phase !== 'Aborted') throw hasEnded(subject, phase);
  const { name } = subject.rollout.metadata;
  throw new CliError(`${name} was aborted.`, `To try it again from its first step: ${command(subject, 'retry')}`);
}

const ENDS: Readonly<Record<Exclude<Phase, 'GoesOn' | 'Aborted'>, string>> = {
  Promoted: 'the revision that it brought has all requests',
  Superseded: 'something else was asked for before it had ended',
  Withdrawn: 'what served already was asked for again',
  Refused: 'it is not possible to go back to its revision',
};

function hasEnded({ rollout, newer }: Subject, phase: Exclude<Phase, 'GoesOn' | 'Aborted'>): CliError {
  const { metadata, spec } = rollout;
  const service = spec.inferenceService.name;
  const hint =
    newer === undefined
      ? `To serve something else, name it in the spec of InferenceService "${service}".`
      : `The newest one: slipway rollout status ${service}`;
  return new CliError(`Nothing is in progress: ${metadata.name} has ended, because ${ENDS[phase]}.`, hint);
}

function heldBack(subject: Subject): CliError {
  return new CliError(
    `${subject.rollout.metadata.name} waits because the same model was rolled back here before.`,
    `List its digest in spec.rollout.acceptAgain, or give it all requests: ${command(subject, 'promote')} --full`,
  );
}

function isUpToDate(service: InferenceService): boolean {
  const { metadata, status } = service;
  const isObserved = (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
  return isObserved && conditionOf(service, 'UpToDate')?.status === 'True';
}

function reasonOf(rollout: ModelRollout): string | undefined {
  return conditionOf(rollout, 'Ready')?.reason;
}

function command({ rollout, newer }: Subject, verb: Verb | 'status'): string {
  const { metadata, spec } = rollout;
  return `slipway rollout ${verb} ${newer === undefined ? spec.inferenceService.name : `--rollout ${metadata.name}`}`;
}
