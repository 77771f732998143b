/** What the gateways are told of `spec.sampling`, and what is said of it. Pure. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { quantityValue } from '@slipway/kube';
import type { DeepReadonly, WantedCondition } from '@slipway/kube';
import { isFalse, isTrue } from '../../conditions.ts';
import type { Obstacle, Reason } from '../../conditions.ts';

type Service = DeepReadonly<InferenceService>;

/** Undefined where the spec asks for none. */
export function routeSampling({ spec: { sampling } }: Service): TrafficRoute['spec']['sampling'] {
  if (sampling === undefined) return undefined;
  const { percent, maxPerMinute, maxBytes } = sampling;
  // The API server has looked at it.
  return { percent, maxPerMinute, maxBytes: Math.floor(quantityValue(maxBytes) ?? 0) };
}

/** Nothing where the spec asks for none. `unrouted` says why gateways do not follow the route. */
export function sampledConditions(
  service: Service,
  keepsSamples: boolean,
  unrouted: Reason | undefined,
): WantedCondition[] {
  const { sampling } = service.spec;
  if (sampling === undefined) return [];
  const obstacle = samplingObstacle(service, keepsSamples) ?? unrouted;
  if (obstacle !== undefined) return [isFalse('Sampled', obstacle)];
  const message = `The gateways keep ${sampling.percent} % of the requests for predictions, at most ${sampling.maxPerMinute} a minute each.`;
  return [isTrue('Sampled', { reason: 'Sampled', message })];
}

/** Undefined where what the spec asks for is done, or it asks for nothing. */
export function samplingObstacle({ spec: { sampling } }: Service, keepsSamples: boolean): Obstacle | undefined {
  return sampling === undefined || keepsSamples ? undefined : { ...DISABLED, isFinal: true };
}

const DISABLED: Reason = {
  reason: 'SamplingDisabled',
  message:
    "The gateways of this install keep no samples. Set gateway.sampling.enabled of Slipway's chart, or leave spec.sampling out.",
};
