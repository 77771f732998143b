import type { ModelRollout } from '@slipway/crds';
import type { KubeObject } from '@slipway/kube';
import { buildModelRollout } from '../../../operator/src/controllers/inference-service/build-rollout.ts';
import { rolloutsOf } from '../../../operator/src/controllers/inference-service/rollout-words.ts';
import { modelRolloutStatus } from '../../../operator/src/controllers/model-rollout/status.ts';
import { NO_ROLLOUTS, NOTHING_ASKED } from '../../../operator/src/rollouts/record.ts';
import type { Outcome, Rollout } from '../../../operator/src/rollouts/record.ts';
import { anInferenceService, NOW } from '../../../operator/src/testing/fixtures.ts';
import { changing, revision, scene } from '../../../operator/src/testing/service-scenes.ts';
import { withStatus } from './states.ts';
import type { States } from './states.ts';

const STEPS = [
  { weight: 25, atLeast: '10m' },
  { weight: 50, waitFor: 'Promotion' as const },
];
const { current } = changing('v1', 'v2');
if (current === undefined) throw new Error('there is one');
const fresh: ModelRollout = buildModelRollout(anInferenceService(), current);

/** In the middle of a canary, of whose requests the candidate gets so many. */
function aRolloutThat(weight: number, more: Partial<Rollout> = {}): KubeObject {
  const observed = scene({
    wants: 'v2',
    rollout: { strategy: 'Canary', canary: { steps: STEPS } },
    route: { v1: 100 - weight, v2: weight },
    record: changing('v1', 'v2', more),
    revisions: [revision('v1'), revision('v2', { ready: weight === 0 ? 0 : 2 })],
  });
  return withStatus(fresh, modelRolloutStatus(fresh, rolloutsOf(observed, NOW), NOW));
}

function oneThatEnded(outcome: Outcome): KubeObject {
  const ended = [{ number: current?.number ?? 0, outcome, at: NOW.toISOString() }];
  const rollouts = { record: { ...NO_ROLLOUTS, ended }, current: undefined };
  return withStatus(fresh, modelRolloutStatus(fresh, rollouts, NOW));
}

const aborted = { phase: 'Aborted' as const, why: { by: 'Person' as const, message: 'a person said so.' } };

export function modelRollouts(): States {
  return {
    'the candidate has no pods yet': ['InProgress', aRolloutThat(0)],
    'a step goes on': ['Current', aRolloutThat(25)],
    'a person is waited for': ['Current', aRolloutThat(50, { step: 1 })],
    'it is paused': ['Current', aRolloutThat(25, { asked: { ...NOTHING_ASKED, state: 'Paused' } })],
    'it was rolled back before': ['Failed', aRolloutThat(0, { isHeldBack: true })],
    'it was aborted': ['Failed', aRolloutThat(0, aborted)],
    'it was aborted, and something else was asked for': ['Failed', oneThatEnded('Aborted')],
    'it was promoted': ['Current', oneThatEnded('Promoted')],
    'something else was asked for': ['Current', oneThatEnded('Superseded')],
    'what served was asked for again': ['Current', oneThatEnded('Withdrawn')],
  };
}
