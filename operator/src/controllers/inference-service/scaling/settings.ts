/** What a service says of its number of pods: pure. */
import type { InferenceService } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { ScalingSettings, ScalingTarget } from '../../../autoscaling/decide-replicas.ts';
import { secondsOf } from '../../../go-duration.ts';
import { scheduledNow } from './schedule.ts';

type Scaling = DeepReadonly<InferenceService>['spec']['scaling'];

const MOST_REPLICAS = 1000;
const IDLE_AFTER = '5m';

export interface ScaledBy {
  readonly settings: ScalingSettings;
  /** Milliseconds until a schedule may ask for something else. */
  readonly changesInMs: number | undefined;
}

/** undefined: the operator does not choose how many pods there are. */
export function scaledBy(scaling: Scaling, now: Date): ScaledBy | undefined {
  const { target, schedule = [], idleAfter = IDLE_AFTER } = scaling;
  if (target === undefined) return undefined;
  const { min, max } = boundsOf(scaling);
  const scheduled = scheduledNow(schedule, now);
  const settings = {
    min: Math.max(min, scheduled.min),
    max,
    target: targetOf(target),
    idleAfterMs: secondsOf(idleAfter) * 1000,
  };
  return { settings, changesInMs: scheduled.changesInMs };
}

function targetOf({ concurrency, requestsPerSecond, latency }: NonNullable<Scaling['target']>): ScalingTarget {
  if (concurrency !== undefined) return { concurrency };
  return latency === undefined ? { requestsPerSecond: requestsPerSecond ?? 1 } : { latencySeconds: secondsOf(latency) };
}

/** It has no pods while nobody asks. */
export function mayGoToZero({ target, min }: Scaling): boolean {
  return target !== undefined && min === 0;
}

/** Pods that there shall be. `floor`: what the autoscaler keeps, even where somebody has set `replicas` to less. */
export function boundedReplicas(scaling: Scaling, floor: number): number {
  const { replicas, target } = scaling;
  const { min, max } = boundsOf(scaling);
  const wanted = target === undefined ? replicas : Math.max(replicas, floor);
  return Math.min(max, Math.max(min, wanted));
}

/** The operator leaves one pod unless it is told that there may be none; people may ask for none at any time. */
function boundsOf({ min, max = MOST_REPLICAS, target }: Scaling) {
  return { min: min ?? (target === undefined ? 0 : 1), max };
}
