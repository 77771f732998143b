/** Steps and places of a rollout, in words. */
import type { InferenceService, ModelRollout } from '@slipway/crds';

type Canary = NonNullable<NonNullable<InferenceService['spec']['rollout']>['canary']>;
type Step = Canary['steps'][number];

/** One that every rollout ends with, and no spec has. */
const ALL_REQUESTS = 'all requests';

/** `copies of 20%, 2m at least`; of a service that changes at once only the last. */
export function stepWords(service: InferenceService | undefined): string[] {
  return [...(service?.spec.rollout?.canary?.steps ?? []).map(oneStep), ALL_REQUESTS];
}

function oneStep({ weight, mirrorPercent, atLeast, waitFor }: Step): string {
  return [
    weight === undefined ? `copies of ${mirrorPercent ?? 0}%` : `${weight}%`,
    ...(atLeast === undefined ? [] : [`${atLeast} at least`]),
    ...(waitFor === undefined ? [] : ['until a person promotes it']),
  ].join(', ');
}

/** `at step 2 of 4, 25%` */
export function placeOf({ status }: ModelRollout): string {
  if (status?.step === undefined || status.steps === undefined) return 'at its beginning';
  const step = status.steps > 1 ? `step ${status.step} of ${status.steps}, ` : '';
  return `at ${step}${status.observedWeight ?? status.weight ?? 0}%`;
}
