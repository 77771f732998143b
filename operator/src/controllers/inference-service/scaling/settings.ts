/** What a service says of its number of pods: pure. */
import type { InferenceService } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import type { ScalingSettings } from '../../../autoscaling/decide-replicas.ts';
import { secondsOf } from '../../../go-duration.ts';

type Scaling = DeepReadonly<InferenceService>['spec']['scaling'];

const MOST_REPLICAS = 1000;
const IDLE_AFTER = '5m';
/** As long as Kubernetes' own autoscaler waits. */
const SCALE_DOWN_WINDOW_MS = 300_000;

/** undefined: the operator does not choose how many pods there are. */
export function scalingSettings({
  min = 1,
  max = MOST_REPLICAS,
  target,
  idleAfter = IDLE_AFTER,
}: Scaling): ScalingSettings | undefined {
  if (target === undefined) return undefined;
  const { concurrency, requestsPerSecond = 1 } = target;
  return {
    min,
    max,
    target: concurrency === undefined ? { requestsPerSecond } : { concurrency },
    idleAfterMs: secondsOf(idleAfter) * 1000,
    scaleDownWindowMs: SCALE_DOWN_WINDOW_MS,
  };
}

/** It has no pods while nobody asks. */
export function mayGoToZero({ target, min }: Scaling): boolean {
  return target !== undefined && min === 0;
}

/** Pods that there shall be. `floor`: what the autoscaler keeps, even where somebody has set `replicas` to less. */
export function boundedReplicas({ replicas, min, max = MOST_REPLICAS, target }: Scaling, floor: number): number {
  const fewest = min ?? (target === undefined ? 0 : 1);
  const wanted = target === undefined ? replicas : Math.max(replicas, floor);
  return Math.min(max, Math.max(fewest, wanted));
}
