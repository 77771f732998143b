/** The steps by which requests move from the stable revision to the candidate. */
import type { InferenceService } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { secondsOf } from '../go-duration.ts';

export interface Step {
  /** Share of the requests that the candidate answers, in percent. */
  readonly weight: number;
  /** Share of the requests that are copied to it beside, in percent. */
  readonly mirrorPercent: number;
  /** How long it lasts at least, from when every gateway goes by it, in milliseconds. */
  readonly atLeastMs: number;
  /** It ends when a person says so. */
  readonly waitsForPromotion: boolean;
}

export interface Deadline {
  /** From the beginning of the rollout, without the time for which it was paused, in milliseconds. */
  readonly afterMs: number;
  /** What happens then. */
  readonly action: 'Abort' | 'Promote';
}

export interface Course {
  /** Their weights rise, and the last one's is 100. */
  readonly steps: readonly Step[];
  readonly deadline: Deadline | undefined;
}

/** The end of every course: all requests, and nothing to wait for but the gateways. */
export const LAST_STEP: Step = { weight: 100, mirrorPercent: 0, atLeastMs: 0, waitsForPromotion: false };

/** All requests at once, when all pods answer. */
export const ROLLING: Course = { steps: [LAST_STEP], deadline: undefined };

/** What the spec says, with the last step. */
export function courseOf({ rollout }: DeepReadonly<InferenceService>['spec']): Course {
  const canary = rollout?.canary;
  if (canary === undefined) return ROLLING;
  const steps = canary.steps.map(({ weight = 0, mirrorPercent = 0, atLeast, waitFor }): Step => {
    const atLeastMs = atLeast === undefined ? 0 : secondsOf(atLeast) * 1000;
    return { weight, mirrorPercent, atLeastMs, waitsForPromotion: waitFor === 'Promotion' };
  });
  const { deadline } = canary;
  return {
    steps: [...steps, LAST_STEP],
    deadline: deadline && { afterMs: secondsOf(deadline.after) * 1000, action: deadline.then },
  };
}

/** The step at an index; of a course that has become shorter meanwhile the last. */
export function stepAt({ steps }: Course, index: number): Step {
  return steps[index] ?? LAST_STEP;
}

export function lastIndex({ steps }: Course): number {
  return steps.length - 1;
}

/** Whether an analysis has a say at a step: copies are not counted, and where it gets all requests nothing is left to compare with. */
export function isJudged({ steps }: Course, index: number): boolean {
  return index < steps.length - 1 && (steps[index]?.weight ?? 0) > 0;
}

/** The stable revision keeps its pods while there are steps in which it may have to take everything back. */
export function isGradual({ steps }: Course): boolean {
  return steps.length > 1;
}

/**
 * Pods that the candidate has to have ready for a step: `ceil(total × share)`, and at least one, because what never answered
 * gets no requests, also where the service has none.
 */
export function podsFor({ weight, mirrorPercent }: Pick<Step, 'weight' | 'mirrorPercent'>, total: number): number {
  return Math.max(1, Math.ceil((total * Math.max(weight, mirrorPercent)) / 100));
}
