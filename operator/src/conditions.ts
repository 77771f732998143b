/** The conditions that every kind of ours shares, read by kstatus: `Reconciling` and `Stalled` exist only while True. */
import type { Condition } from '@slipway/crds';
import { mergeConditions, TransientError, UnexpectedError } from '@slipway/kube';
import type {
  Condition as KubeCondition,
  DeepReadonly,
  KubeObject,
  OperatorError,
  WantedCondition,
} from '@slipway/kube';

export interface Reason {
  /** PascalCase; API. */
  readonly reason: string;
  readonly message: string;
}

/** What keeps something that the spec asks for from being so. */
export interface Obstacle extends Reason {
  /** Only a person can change it. */
  readonly isFinal: boolean;
}

export function isTrue(type: string, { reason, message }: Reason): WantedCondition {
  return { type, status: 'True', reason, message };
}
export function isFalse(type: string, { reason, message }: Reason): WantedCondition {
  return { type, status: 'False', reason, message };
}
export function isUnknown(type: string, { reason, message }: Reason): WantedCondition {
  return { type, status: 'Unknown', reason, message };
}

/** In effect: Ready and nothing else to tell. */
export function ready(why: Reason): WantedCondition[] {
  return [isTrue('Ready', why)];
}
/** On its way, or waiting for something that may well come by itself. */
export function inProgress(why: Reason): WantedCondition[] {
  return [isFalse('Ready', why), isTrue('Reconciling', why)];
}
/** It will not get further until somebody changes something. */
export function stalled(why: Reason): WantedCondition[] {
  return [isFalse('Ready', why), isTrue('Stalled', why)];
}

/** What is otherwise Ready is not, while there is an obstacle to something else that the spec asks for. */
export function withObstacle(
  conditions: readonly WantedCondition[],
  obstacle: Obstacle | undefined,
): readonly WantedCondition[] {
  const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
  if (!isReady || obstacle === undefined) return conditions;
  return obstacle.isFinal ? stalled(obstacle) : inProgress(obstacle);
}

type WithConditions = DeepReadonly<KubeObject & { status?: { conditions?: readonly Condition[] | undefined } }>;

/** `observedGeneration` and `conditions`: what the status of every kind begins with. */
export function baseStatus(
  object: WithConditions,
  wanted: readonly WantedCondition[],
  now: Date,
): { observedGeneration: number; conditions: KubeCondition[] } {
  const generation = object.metadata.generation ?? 0;
  const previous = object.status?.conditions?.map((condition) => ({ ...condition, observedGeneration: generation }));
  return { observedGeneration: generation, conditions: mergeConditions(previous, wanted, { generation, now }) };
}

/**
 * Conditions for an error of the reconcile. A transient one (a network, a conflict) says nothing about the object:
 * undefined means "leave the status as it is".
 */
export function conditionsOfError(error: OperatorError): WantedCondition[] | undefined {
  if (error instanceof UnexpectedError) {
    const message = 'The operator met a case it does not know. Its log has the details; please report them.';
    return [isUnknown('Ready', { reason: error.reason, message })];
  }
  // Of the transient ones only these tell a person something: they last until somebody acts.
  if (error instanceof TransientError && error.reason !== 'Forbidden' && error.reason !== 'QuotaExceeded')
    return undefined;
  const why = { reason: error.reason, message: error.message };
  return error.retry === 'waitForSpecChange' ? stalled(why) : inProgress(why);
}

export function findCondition(object: WithConditions | undefined, type: string): DeepReadonly<Condition> | undefined {
  return object?.status?.conditions?.find((condition) => condition.type === type);
}
