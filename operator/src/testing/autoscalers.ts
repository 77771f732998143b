/** Autoscalers for the simulation: ours, and the HorizontalPodAutoscaler as Kubernetes documents it. */
import { decideReplicas, STABLE_WINDOW_MS } from '../autoscaling/decide-replicas.ts';
import type { ScalingSettings, ScalingState } from '../autoscaling/decide-replicas.ts';
import { LoadHistory } from '../autoscaling/load-history.ts';
import type { Autoscaler } from './scaling-simulation.ts';

const GATEWAYS = ['one', 'two'];

export const SETTINGS: ScalingSettings = {
  min: 1,
  max: 30,
  target: { concurrency: 6 },
  idleAfterMs: 120_000,
};

/** Two gateways, each of which has half of the load. */
export function ours(settings: ScalingSettings = SETTINGS): Autoscaler {
  const history = new LoadHistory(STABLE_WINDOW_MS);
  let state: ScalingState | undefined;
  let lookAt = 0;
  return {
    look: (now, { concurrency, requests, seconds, held }, { current, ready }) => {
      for (const gateway of GATEWAYS)
        history.add({
          gateway,
          at: now,
          milliseconds: 1000,
          concurrency: concurrency / GATEWAYS.length,
          requests: requests / GATEWAYS.length,
          seconds: seconds / GATEWAYS.length,
          held: held / GATEWAYS.length,
        });
      if (now < lookAt && held === 0) return current;
      const decision = decideReplicas({ settings, history, gateways: GATEWAYS, current, ready, now }, state);
      ({ state } = decision);
      lookAt = now + (decision.nextLookMs ?? 0);
      return decision.replicas;
    },
  };
}

const SYNC_MS = 15_000;
const TOLERANCE = 0.1;
const DOWNSCALE_STABILIZATION_MS = 300_000;

/**
 * With its defaults, a target for the average of the pods, and figures that are never older than its look, which is more than a metrics pipeline gives it
 * (kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale: "Algorithm details", "Configurable scaling behavior").
 */
export function horizontalPodAutoscaler({
  min,
  max,
  perPod,
}: {
  min: number;
  max: number;
  perPod: number;
}): Autoscaler {
  let seconds: number[] = [];
  let recommended: { readonly at: number; readonly replicas: number }[] = [];
  return {
    look: (now, { concurrency }, { current, ready }) => {
      seconds.push(concurrency);
      if (now % SYNC_MS !== 0) return current;
      const total = seconds.reduce((sum, each) => sum + each, 0) / seconds.length;
      seconds = [];
      const replicas = Math.min(max, Math.max(min, hpaFormula({ total, perPod, current, ready })));
      recommended = [...recommended.filter(({ at }) => now - at < DOWNSCALE_STABILIZATION_MS), { at: now, replicas }];
      if (replicas >= current) return Math.min(replicas, Math.max(2 * current, current + 4));
      return Math.min(current, Math.max(...recommended.map((each) => each.replicas)));
    },
  };
}

interface HpaInput {
  readonly total: number;
  readonly perPod: number;
  readonly current: number;
  readonly ready: number;
}

/** Pods that are not ready count as such that have nothing to do when it would add some. */
function hpaFormula({ total, perPod, current, ready }: HpaInput): number {
  const ratio = total / Math.max(1, ready) / perPod;
  if (Math.abs(ratio - 1) <= TOLERANCE) return current;
  if (ratio < 1 || ready === current) return Math.ceil(ratio * ready);
  const withStarting = total / current / perPod;
  return withStarting <= 1 + TOLERANCE ? current : Math.ceil(withStarting * current);
}
