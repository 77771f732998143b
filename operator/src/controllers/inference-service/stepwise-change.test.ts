/** A change by steps: its plan, and what its ModelRollout says. */
import type { InferenceService, TrafficRoute } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { NO_ROLLOUTS, NOTHING_ASKED } from '../../rollouts/record.ts';
import { anInferenceService, NOW } from '../../testing/fixtures.ts';
import { buildModelRollout } from './build-rollout.ts';
import type { ObservedService } from './observe.ts';
import { planService } from './plan.ts';
import { rolloutsOf } from './rollout-words.ts';
import { modelRolloutStatus } from '../model-rollout/status.ts';
import { serviceStatus } from './status.ts';
import {
  context,
  nameOf,
  revision,
  SEQUENCE,
  scene,
  changing,
  summary,
  routeBy,
  workloads,
  LONG_AGO,
  JUST_NOW,
} from '../../testing/service-scenes.ts';

const CANARY: NonNullable<InferenceService['spec']['rollout']> = {
  strategy: 'Canary',
  canary: {
    steps: [
      { mirrorPercent: 20, atLeast: '1m' },
      { weight: 25, atLeast: '10m' },
      { weight: 50, waitFor: 'Promotion' },
    ],
    sticky: { header: 'x-entity-id' },
  },
};
/** From v1 to v2 by steps, with eight pods. */
const stepwise = { wants: 'v2', replicas: 8, rollout: CANARY, stable: 'v1' };
const eight = revision('v1', { ready: 8 });
const routeIn = (observed: ObservedService) =>
  planService(observed, context).apply.find(({ kind }) => kind.kind === 'TrafficRoute')?.object as TrafficRoute;
const LATELY = '2026-11-23T09:56:00.000Z';

describe('a change by steps', () => {
  it('lists the candidate with the pods of the first step, and makes its ModelRollout', () => {
    const observed = scene({ ...stepwise, route: { v1: 100 }, revisions: [eight] });
    const { owedRollout, newRollout } = planService(observed, context);
    expect(owedRollout).toBeUndefined();
    expect(newRollout).toMatchObject({
      metadata: { name: 'flights-1' },
      spec: { inferenceService: { name: 'flights' }, from: { revision: nameOf('v1') }, cause: 'SpecChange', try: 1 },
    });
    expect(summary(observed)).toMatchObject({
      route: routeBy('v1', { v1: 100, v2: 0 }),
      pods: { [nameOf('v1')]: 8, [nameOf('v2')]: 2 },
    });
  });

  it('owes the ModelRollout that could not be made, also where the rollout ends', () => {
    const begun = { route: { v1: 100, v2: 0 }, record: changing('v1', 'v2'), revisions: [eight] };
    const goingOn = planService(scene({ ...stepwise, ...begun }), context);
    const withdrawn = planService(scene({ ...stepwise, ...begun, wants: 'v1' }), context);

    for (const { owedRollout, newRollout } of [goingOn, withdrawn]) {
      expect(owedRollout).toMatchObject({ spec: { from: { revision: nameOf('v1') }, to: { revision: nameOf('v2') } } });
      expect(newRollout).toBeUndefined();
    }
  });

  it('copies requests, and keeps callers with one revision by a salt of its own', () => {
    const listed = { ...stepwise, route: { v1: 100, v2: 0 }, record: changing('v1', 'v2') };
    const { spec: written } = routeIn(scene({ ...listed, revisions: [eight, revision('v2', { ready: 2 })] }));
    expect(written).toMatchObject({
      mirrors: [{ revision: nameOf('v2'), percent: 20 }],
      sticky: { header: 'x-entity-id', salt: 'flights-3' },
    });
    expect(
      routeIn(scene({ ...stepwise, route: { v2: 100 }, stable: 'v2', revisions: [eight] })).spec.sticky,
    ).toBeUndefined();
  });

  it('looks again when the time of a step is over, and keeps the pods of stable until the end', () => {
    const record = changing('v1', 'v2', { step: 1, since: LATELY, stablePods: 8 });
    const at = { ...stepwise, replicas: 4, route: { v1: 75, v2: 25 }, record };
    const plan = summary(scene({ ...at, revisions: [eight, revision('v2', { ready: 1 })] }));
    expect(plan).toMatchObject({
      route: routeBy('v1', { v1: 75, v2: 25 }),
      pods: { [nameOf('v1')]: 8, [nameOf('v2')]: 1 },
      next: { kind: 'requeueAfter', ms: 6 * 60_000 },
    });
  });

  it('ends the pods of an aborted candidate though a gateway is behind', () => {
    const why = { by: 'Person' as const, message: 'spec.verdict of the ModelRollout is Abort.' };
    const record = changing('v1', 'v2', { phase: 'Aborted', why });
    const given = { ...stepwise, route: { v1: 100 }, record, revisions: [eight, revision('v2')] };
    const behind = scene({ ...given, applies: SEQUENCE - 1 });
    expect(summary(behind)).toMatchObject({ sequence: SEQUENCE, deleted: workloads('v2') });
    const conditions = serviceStatus(behind, context)?.conditions.map(
      (one) => `${one.type}=${one.status} ${one.reason}`,
    );
    expect(conditions).toEqual([
      'Ready=False RolloutAborted',
      'Stalled=True RolloutAborted',
      'Serving=True StableServes',
      'UpToDate=False RolloutAborted',
    ]);
    expect(summary(scene({ ...given, movedAt: JUST_NOW }))).toMatchObject({
      deleted: [],
      next: { kind: 'requeueAfter', ms: 7_000 },
    });
  });

  it.each([
    ['goes on', { since: LATELY }, 'True RolloutInProgress'],
    ['waits for a person', { step: 2 }, 'True WaitingForPromotion'],
    ['is paused', { asked: { ...NOTHING_ASKED, state: 'Paused' as const } }, 'True RolloutPaused'],
    ['is one that was rolled back before', { isHeldBack: true }, 'False PreviouslyRolledBack'],
  ])('tells that it %s', (_, more, expected) => {
    const step = 'step' in more ? more.step : 1;
    const weight = step === 2 ? 50 : 25;
    const record = changing('v1', 'v2', { ...more, step });
    const given = { ...stepwise, route: { v1: 100 - weight, v2: weight }, record };
    const status = serviceStatus(scene({ ...given, revisions: [eight, revision('v2', { ready: 4 })] }), context);
    const ready = status?.conditions.find(({ type }) => type === 'Ready');
    expect(`${ready?.status} ${ready?.reason}`).toBe(expected);
  });

  it('forgets the oldest of more than ten that have ended', () => {
    const rollouts = Array.from({ length: 12 }, (__, at) => modelRollout(at + 1));
    const plan = summary(scene({ route: { v1: 100 }, revisions: [revision('v1')], rollouts }));
    expect(plan.deleted).toEqual(['ModelRollout flights-2', 'ModelRollout flights-1']);
  });
});

function modelRollout(number: number): ObservedService['rollouts'][number] {
  const { current } = changing('v1', 'v2', { number });
  if (current === undefined) throw new Error('there is one');
  return buildModelRollout(anInferenceService(), current);
}

describe('modelRolloutStatus', () => {
  const given = { ...stepwise, route: { v1: 50, v2: 50 }, record: changing('v1', 'v2', { step: 2 }) };
  const observed = scene({ ...given, revisions: [eight, revision('v2', { ready: 4 })] });
  const told = modelRolloutStatus(modelRollout(3), rolloutsOf(observed, NOW), NOW);

  it('tells the step, the weight that is asked for, and the one that every gateway has confirmed', () => {
    expect(told).toMatchObject({ step: 3, steps: 4, weight: 50, observedWeight: 50 });
    const behind = scene({ ...given, applies: SEQUENCE - 1, revisions: [eight, revision('v2', { ready: 4 })] });
    expect(modelRolloutStatus(modelRollout(3), rolloutsOf(behind, NOW), NOW)?.observedWeight).toBeUndefined();
  });

  it('adds to its history only what is new', () => {
    const again = modelRolloutStatus(
      { ...modelRollout(3), ...(told === undefined ? {} : { status: told }) },
      rolloutsOf(observed, NOW),
      NOW,
    );
    expect(again?.history).toEqual(told?.history);
    expect(told?.history).toMatchObject([{ what: 'WaitingForPromotion' }]);
  });

  it('keeps how it ended, and is silent where nobody knows any more', () => {
    const ended = [{ number: 3, outcome: 'Superseded' as const, at: LONG_AGO }];
    const rollouts = { record: { ...NO_ROLLOUTS, ended }, current: undefined };
    expect(modelRolloutStatus(modelRollout(3), rollouts, NOW)).toMatchObject({
      outcome: 'Superseded',
      conditions: [{ type: 'Ready', status: 'True', reason: 'Superseded' }],
    });
    expect(modelRolloutStatus(modelRollout(2), rollouts, NOW)).toBeUndefined();
  });
});
