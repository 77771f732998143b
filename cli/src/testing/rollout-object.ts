/** A rollout and its service as the API server would return them, for tests of pure functions. */
import type { InferenceService, ModelRollout } from '@slipway/crds';
import { condition, object } from './objects.ts';

/** `flights-7`, at step 2 of 4: a quarter of the requests. */
export function rolloutObject(
  spec: Partial<ModelRollout['spec']> = {},
  status: Partial<NonNullable<ModelRollout['status']>> = {},
  metadata: object = {},
): ModelRollout {
  const asked = { state: 'Running', verdict: 'Auto', approvedStep: 0, try: 1 };
  const sides = { from: { revision: 'flights-5b7' }, to: { revision: 'flights-9c1' } };
  const inferenceService = { name: 'flights' };
  const stands = { step: 2, steps: 4, weight: 25, observedWeight: 25, ...saying('RolloutInProgress') };
  return object(
    'ModelRollout',
    'flights-7',
    { inferenceService, ...sides, cause: 'SpecChange', ...asked, ...spec },
    { status: { ...stands, ...status }, metadata },
  ) as ModelRollout;
}

/** Ready for this reason. */
export function saying(reason: string): Pick<NonNullable<ModelRollout['status']>, 'conditions'> {
  return { conditions: [condition('Ready', 'True', reason)] };
}

export function canaryService(upToDate: 'True' | 'False', reason = 'RolloutInProgress'): InferenceService {
  const steps = [
    { mirrorPercent: 20, atLeast: '2m' },
    { weight: 25, atLeast: '10m' },
    { weight: 50, waitFor: 'Promotion' },
  ];
  // oxlint-disable-next-line unicorn/no-thenable -- the word of the schema; nothing awaits an object
  const canary = { steps, deadline: { after: '24h', then: 'Abort' } };
  const spec = { modelVersion: { name: 'delay-2' }, rollout: { strategy: 'Canary', canary } };
  const conditions = [condition('Ready', upToDate, reason), condition('UpToDate', upToDate, reason)];
  return object('InferenceService', 'flights', spec, { status: { conditions } }) as InferenceService;
}
