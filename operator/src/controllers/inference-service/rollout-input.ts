/** What the decisions of a rollout are made from, out of what was observed. */
import type { ModelRollout } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { stableJson } from '../../names.ts';
import { courseOf } from '../../rollouts/course.ts';
import type { DesiredRevision, RolloutInput, Verdict } from '../../rollouts/decide-traffic.ts';
import { readRecord, ROLLOUT_ANNOTATION } from '../../rollouts/record.ts';
import type { Asked, Rollout, RolloutRecord } from '../../rollouts/record.ts';
import { trafficOf } from '../../rollouts/traffic.ts';
import { askedUndo, digestIn, isOf, numberOf } from './undo-input.ts';
import { judgedStep, judgementOf, verdictOf, writtenState } from './analysis/judgement.ts';
import type { Judgement } from '../../analysis/judge.ts';
import { isConfirmed } from './confirmation.ts';
import type { ObservedRevision, ObservedService } from './observe.ts';
import type { RevisionFacts } from './revision.ts';

/** @param desired Name of the revision that the spec asks for; undefined where that cannot be said now. */
export function rolloutInput(observed: ObservedService, desired: string | undefined, now: Date): RolloutInput {
  const { service, route, rollouts, replicas } = observed;
  const live = route && trafficOf(route);
  const stable = observed.revisions.find(({ name }) => name === live?.stable);
  const record = readRecord(route?.metadata.annotations?.[ROLLOUT_ANNOTATION]);
  return {
    ...podsOf(observed, stable),
    live,
    record,
    isConfirmed: isConfirmed(observed),
    desired: desired === undefined ? undefined : desiredOf(observed, desired, stable),
    stableDigest: stable?.data?.facts.artifact.digest,
    digestOf: (name) => digestIn(observed, name),
    undo: askedUndo(observed, record),
    course: courseOf(service.spec),
    acceptAgain: service.spec.rollout?.acceptAgain ?? [],
    asked: (rollout) => askedIn(rollouts.find((one) => isOf(one, rollout))),
    highestNumber: Math.max(0, ...rollouts.map(numberOf)),
    analysis: analysisVerdict(observed, record),
    total: replicas,
    now,
  };
}

function podsOf(
  { revisions }: ObservedService,
  stable: ObservedRevision | undefined,
): Pick<RolloutInput, 'stablePods' | 'ready' | 'answering' | 'exists'> {
  const found = (name: string) => revisions.find((revision) => revision.name === name);
  return {
    stablePods: stable?.deployment?.spec?.replicas ?? 0,
    ready: (name) => readyPods(found(name)),
    answering: revisions
      .filter(({ listed }) => listed > 0)
      .sort(newestFirst)
      .map(({ name }) => name),
    exists: (name) => found(name) !== undefined,
  };
}

/** By when they were asked for last. */
export function newestFirst(a: ObservedRevision, b: ObservedRevision): number {
  return (b.snapshot?.revision ?? 0) - (a.snapshot?.revision ?? 0);
}

function analysisVerdict({ service, rollouts }: Judged, record: RolloutRecord): Verdict | undefined {
  const step = judgedStep(service, record);
  return step && verdictOf(step, analysisJudgement({ service, rollouts }, record));
}

type Judged = Pick<ObservedService, 'service' | 'rollouts'>;

/** Of the step that the current rollout is at; undefined where it is not judged, or nothing was observed yet. */
export function analysisJudgement({ service, rollouts }: Judged, record: RolloutRecord): Judgement | undefined {
  const step = judgedStep(service, record);
  const rollout = rollouts.find((one) => record.current !== undefined && isOf(one, record.current));
  const state = step && writtenState(step, rollout);
  return state && judgementOf(step, state);
}

function askedIn(rollout: DeepReadonly<ModelRollout> | undefined): Asked | undefined {
  if (rollout === undefined) return undefined;
  const { state, verdict, approvedStep, try: tried } = rollout.spec;
  return { state, verdict, approvedStep, try: tried };
}

/** Those that answer, and that gateways can find. */
function readyPods(revision: ObservedRevision | undefined): number {
  const { deployment, listed } = revision ?? {};
  return deployment === undefined || deployment.metadata.deletionTimestamp !== undefined ? 0 : (listed ?? 0);
}

function desiredOf(
  { service, revisions, resolved }: ObservedService,
  name: string,
  stable: ObservedRevision | undefined,
): DesiredRevision {
  const facts = resolved.facts ?? revisions.find((revision) => revision.name === name)?.data?.facts;
  const cause = causeOf(stable?.data?.facts, facts, { hasAlias: service.spec.model !== undefined });
  return { name, modelDigest: facts?.artifact.digest, cause };
}

interface AskedBy {
  /** The version is whichever an alias means. */
  readonly hasAlias: boolean;
}

/** What made a change, from what the two revisions differ in. */
export function causeOf(
  stable: RevisionFacts | undefined,
  next: RevisionFacts | undefined,
  { hasAlias }: AskedBy,
): Rollout['cause'] {
  if (stable === undefined || next === undefined) return 'SpecChange';
  const isSame = (without: (facts: RevisionFacts) => unknown) =>
    stableJson(without(stable)) === stableJson(without(next));
  if (isSame((facts) => ({ ...facts, refresh: undefined }))) return 'Refresh';
  const ofVersion = { modelVersion: undefined, number: undefined, artifact: undefined, serve: undefined };
  return hasAlias && isSame((facts) => ({ ...facts, ...ofVersion })) ? 'AliasMove' : 'SpecChange';
}
