/** What a rollout decides from what it sees, case by case. */
import { InferenceServiceSpec } from '@slipway/crds';
import { describe, expect, it } from 'vitest';
import { CHANGING, inputOf, MINUTE } from '../testing/rollout-world.ts';
import type { World } from '../testing/rollout-world.ts';
import { candidatePods, looksAgainMs, stableFloor } from './advance.ts';
import { courseOf, LAST_STEP, podsFor, ROLLING } from './course.ts';
import type { Course } from './course.ts';
import { decideTraffic } from './decide-traffic.ts';
import type { RolloutInput, Serving } from './decide-traffic.ts';
import { NO_ROLLOUTS, NOTHING_ASKED, readRecord } from './record.ts';
import type { Rollout, RolloutRecord } from './record.ts';

const CANARY: Course = {
  steps: [
    { ...LAST_STEP, weight: 25, atLeastMs: 10 * MINUTE },
    { ...LAST_STEP, weight: 50, waitsForPromotion: true },
    LAST_STEP,
  ],
  deadline: undefined,
};

const ago = (minutes: number) => new Date(CHANGING.now - minutes * MINUTE).toISOString();

const ROLLOUT: Rollout = {
  number: 7,
  from: 'v1',
  to: 'v2',
  cause: 'SpecChange',
  modelDigest: 'of v2',
  phase: 'Progressing',
  step: 0,
  begunAt: ago(30),
  stablePods: 4,
  asked: NOTHING_ASKED,
};

interface Scene {
  readonly weights?: Readonly<Record<string, number>>;
  readonly rollout?: Partial<Rollout>;
  readonly record?: Partial<RolloutRecord>;
  readonly asked?: Partial<Rollout['asked']>;
  readonly ready?: Readonly<Record<string, number>>;
  readonly input?: Partial<RolloutInput>;
}

/** Rollout 7 from v1 to v2, at the step that the weights say. */
function scene({ weights = { v1: 75, v2: 25 }, rollout, record, asked, ready = { v1: 4, v2: 4 }, input }: Scene) {
  const traffic = { stable: 'v1', weights, mirrors: {}, movedAt: ago(20) };
  const current = { ...ROLLOUT, ...rollout };
  const pods = Object.fromEntries(Object.entries(ready).map(([name, count]) => [name, { wanted: 4, ready: count }]));
  const world: World = {
    ...CHANGING,
    pods,
    route: { sequence: 1, traffic, record: { ...NO_ROLLOUTS, lastNumber: 7, current, ...record } },
    rollouts: { 7: { ...NOTHING_ASKED, ...asked } },
  };
  return { ...inputOf(world, CANARY), ...input };
}

const decide = (given: Scene) => decideTraffic(scene(given));
const overdue: Course = { ...CANARY, deadline: { afterMs: 20 * MINUTE, action: 'Abort' } };

describe('the course of a rollout', () => {
  it('is what the spec says, with the last step', () => {
    const steps = [
      { mirrorPercent: 20, atLeast: '90s' },
      { weight: 50, waitFor: 'Promotion' },
    ];
    const rollout = { strategy: 'Canary', canary: { steps, deadline: { after: '24h' } } };
    const spec = InferenceServiceSpec.parse({ modelVersion: { name: 'delay-1' }, rollout });
    expect(courseOf(spec)).toEqual({
      steps: [
        { weight: 0, mirrorPercent: 20, atLeastMs: 90_000, waitsForPromotion: false },
        { weight: 50, mirrorPercent: 0, atLeastMs: 0, waitsForPromotion: true },
        LAST_STEP,
      ],
      deadline: { afterMs: 24 * 60 * MINUTE, action: 'Abort' },
    });
    expect(courseOf(InferenceServiceSpec.parse({ modelVersion: { name: 'delay-1' } }))).toBe(ROLLING);
  });

  it.each([
    [5, 1, 1],
    [25, 4, 1],
    [26, 4, 2],
    [100, 7, 7],
    [29, 100, 29],
    [100, 0, 1],
  ])('wants for %i %% of %i pods so many: %i', (weight, total, pods) => {
    expect(podsFor({ weight, mirrorPercent: 0 }, total)).toBe(pods);
  });

  it('lists the candidate first, with the record of the rollout', () => {
    const { traffic, record } = decideTraffic(inputOf(CHANGING, CANARY));
    expect(traffic?.weights).toEqual({ v1: 100, v2: 0 });
    expect(record).toMatchObject({ lastNumber: 1, current: { number: 1, from: 'v1', to: 'v2', step: 0 } });
  });

  it('never gives a number again, also where the record was lost', () => {
    const { record } = decide({ record: { current: undefined, lastNumber: 0 }, input: { highestNumber: 12 } });
    expect(record.current?.number).toBe(13);
  });

  it('finds its step by the weights where the record was lost', () => {
    const given = { weights: { v1: 50, v2: 50 }, record: { current: undefined } };
    expect(decide(given)).toMatchObject({
      traffic: { weights: { v1: 50, v2: 50 } },
      record: { current: { step: 1 } },
    });
    const moved = { ...given, weights: { v1: 0, v2: 100 }, input: { course: ROLLING, isConfirmed: false } };
    expect(decide(moved)).toMatchObject({ traffic: { weights: { v1: 0, v2: 100 } }, waiting: { for: 'Gateways' } });
  });

  it('begins the time of a step when every gateway has confirmed it', () => {
    expect(decide({ input: { isConfirmed: false } }).record.current?.since).toBeUndefined();
    expect(decide({}).record.current?.since).toBe(ago(0));
  });

  it('holds a step for its time', () => {
    const input = scene({ rollout: { since: ago(4) } });
    const decision = decideTraffic(input);
    expect(decision.waiting).toEqual({ for: 'Time', ms: 6 * MINUTE });
    expect(looksAgainMs(input as Serving, decision)).toBe(6 * MINUTE);
  });

  it('lets a step last no longer because the clock was set back', () => {
    const { waiting } = decide({ rollout: { since: new Date(CHANGING.now + 60 * MINUTE).toISOString() } });
    expect(waiting).toEqual({ for: 'Time', ms: 10 * MINUTE });
  });

  it('raises the weight when the pods for it are ready', () => {
    const over = { rollout: { since: ago(11) }, ready: { v1: 4, v2: 1 } };
    const waits = decide(over);
    expect(waits).toMatchObject({
      traffic: { weights: { v1: 75, v2: 25 } },
      record: { current: { step: 1 } },
      waiting: { for: 'Pods', ready: 1, wanted: 2 },
    });
    expect(candidatePods(waits.record, CANARY, 4)).toBe(2);
    expect(decide({ ...over, ready: { v1: 4, v2: 2 } }).traffic?.weights).toEqual({ v1: 50, v2: 50 });
  });

  it('waits for a person at a step that says so', () => {
    const at = { weights: { v1: 50, v2: 50 }, rollout: { step: 1 } };
    expect(decide(at).waiting).toEqual({ for: 'Promotion' });
    expect(decide({ ...at, asked: { approvedStep: 1 } }).waiting).toEqual({ for: 'Promotion' });
    expect(decide({ ...at, asked: { approvedStep: 2 } }).traffic?.weights).toEqual({ v1: 0, v2: 100 });
  });

  it('waits for the same when a gateway has not told yet, and goes on when it has', () => {
    const unheard = { isConfirmed: false };
    const at = { weights: { v1: 50, v2: 50 }, rollout: { step: 1, since: ago(1) }, input: unheard };
    expect(decide(at).waiting).toEqual({ for: 'Promotion' });
    expect(decide({ ...at, asked: { approvedStep: 2 } }).waiting).toEqual({ for: 'Gateways' });
    const analysis = { verdict: 'NoData' as const, message: 'errors: no request yet', abortsWithoutData: true };
    const { waiting } = decide({ rollout: { since: ago(11) }, input: { ...unheard, analysis } });
    expect(waiting?.for).toBe('Analysis');
  });

  it.each(['Undecided', 'NoData'] as const)('stays while the analysis says %s', (verdict) => {
    const analysis = { verdict, message: 'too few samples', abortsWithoutData: verdict === 'Undecided' };
    const { waiting } = decide({ rollout: { since: ago(11) }, input: { analysis } });
    expect(waiting).toEqual({ for: 'Analysis', message: 'too few samples' });
  });

  it('goes back without data where it shall, once the time of the step is over, and remembers nothing of the model', () => {
    const analysis = { verdict: 'NoData' as const, message: 'errors: no request yet', abortsWithoutData: true };
    const { traffic, record } = decide({ rollout: { since: ago(11) }, input: { analysis } });
    expect(traffic?.weights).toEqual({ v1: 100 });
    expect(record.current?.why).toEqual({ by: 'NoData', message: 'errors: no request yet.' });
    expect(record.rolledBack).toEqual([]);
    expect(decide({ rollout: { since: ago(9) }, input: { analysis } }).waiting?.for).toBe('Time');
    const paused = { rollout: { since: ago(11) }, asked: { state: 'Paused' as const }, input: { analysis } };
    expect(decide(paused).waiting?.for).toBe('Paused');
    const unapproved = { weights: { v1: 50, v2: 50 }, rollout: { step: 1 }, input: { analysis } };
    expect(decide(unapproved).waiting?.for).toBe('Promotion');
  });

  it('gives a third version nothing before every gateway has let go of the second', () => {
    const v3 = { name: 'v3', modelDigest: 'of v3', cause: 'SpecChange' as const };
    const begun = decide({ ready: { v1: 4, v2: 4, v3: 4 }, input: { desired: v3 } });
    expect(begun.traffic?.weights).toEqual({ v1: 100, v3: 0 });
    expect(begun.record).toMatchObject({
      lastNumber: 8,
      current: { to: 'v3' },
      ended: [{ number: 7, outcome: 'Superseded' }],
    });
  });

  it('takes the first of several steps when every gateway lists the candidate', () => {
    const listed = { weights: { v1: 100, v2: 0 }, input: { isConfirmed: false } };
    expect(decide(listed)).toMatchObject({ traffic: { weights: listed.weights }, waiting: { for: 'Gateways' } });
    expect(decide({ ...listed, input: { isConfirmed: true } }).traffic?.weights).toEqual({ v1: 75, v2: 25 });
  });

  it('makes nothing stable that has stopped answering', () => {
    const moved = { weights: { v1: 0, v2: 100 }, rollout: { step: 2 }, ready: { v1: 4, v2: 0 } };
    expect(decide(moved)).toMatchObject({ traffic: { stable: 'v1' }, waiting: { for: 'Pods', ready: 0, wanted: 4 } });
  });

  it('takes no weight back where the course was changed to lower ones', () => {
    const later: Course = { ...CANARY, steps: [{ ...LAST_STEP, weight: 5, mirrorPercent: 5 }, LAST_STEP] };
    expect(decide({ weights: { v1: 60, v2: 40 }, input: { course: later } }).traffic?.weights).toEqual({
      v1: 60,
      v2: 40,
    });
  });

  it('keeps the pods of stable while steps go on', () => {
    const { record } = decide({});
    expect(stableFloor(record, CANARY)).toBe(4);
    expect(stableFloor(record, ROLLING)).toBe(0);
    expect(stableFloor(decide({ asked: { verdict: 'Abort' } }).record, CANARY)).toBe(0);
  });
});

describe('what people ask of a rollout', () => {
  it('stays where it is while it is paused, and its deadline does not run', () => {
    const paused = decide({ rollout: { since: ago(11) }, asked: { state: 'Paused' }, input: { course: overdue } });
    expect(paused.waiting).toEqual({ for: 'Paused' });
    const resumed = decide({ rollout: { pausedAt: ago(25), since: ago(4) }, input: { course: overdue } });
    expect(resumed.record.current).toMatchObject({ phase: 'Progressing', begunAt: ago(5) });
  });

  it('goes to the last step when it is promoted, also while it is paused', () => {
    const { traffic } = decide({ asked: { verdict: 'Promote', state: 'Paused' } });
    expect(traffic?.weights).toEqual({ v1: 0, v2: 100 });
  });

  it('waits for all pods when it is promoted', () => {
    const { waiting } = decide({ asked: { verdict: 'Promote' }, ready: { v1: 4, v2: 3 } });
    expect(waiting).toEqual({ for: 'Pods', ready: 3, wanted: 4 });
  });

  it('leads all requests back when it is aborted, whatever is missing', () => {
    const aborted = decide({ asked: { verdict: 'Abort' }, ready: { v1: 0, v2: 4 }, input: { isConfirmed: false } });
    expect(aborted).toMatchObject({
      traffic: { stable: 'v1', weights: { v1: 100 } },
      record: { current: { phase: 'Aborted', why: { by: 'Person' } }, rolledBack: ['of v2'] },
    });
  });

  it('is tried again, from the first step, when try is raised', () => {
    const why = { by: 'Analysis' as const, message: 'errors 3.1 % > 1 %' };
    const given = { weights: { v1: 100 }, rollout: { phase: 'Aborted' as const, step: 1, why } };
    expect(decide(given)).toMatchObject({ traffic: { weights: { v1: 100 } }, waiting: { for: 'Retry', why } });
    const again = decide({ ...given, asked: { try: 2 } });
    expect(again.traffic?.weights).toEqual({ v1: 100, v2: 0 });
    expect(again.record.current).toMatchObject({ phase: 'Progressing', step: 0 });
    expect(again.record.current?.why).toBeUndefined();
  });

  it('goes on with what was asked for where its ModelRollout is gone', () => {
    const asked = { ...NOTHING_ASKED, state: 'Paused' as const };
    const { waiting } = decide({ rollout: { asked }, input: { asked: () => undefined } });
    expect(waiting).toEqual({ for: 'Paused' });
  });

  it('ends when the stable version is asked for again', () => {
    const back = { name: 'v1', modelDigest: 'of v1', cause: 'SpecChange' as const };
    const { traffic, record } = decide({ input: { desired: back } });
    expect(traffic?.weights).toEqual({ v1: 100 });
    expect(record).toMatchObject({ ended: [{ number: 7, outcome: 'Withdrawn' }] });
    expect(record.current).toBeUndefined();
  });

  it('stays aborted while nobody can say what is asked for', () => {
    const why = { by: 'Person' as const, message: '' };
    const given = { weights: { v1: 100 }, rollout: { phase: 'Aborted' as const, why }, input: { desired: undefined } };
    expect(decide(given).record.current?.number).toBe(7);
  });
});

describe('what ends a rollout badly', () => {
  const failing = { verdict: 'Failing' as const, message: 'errors 3.1 % > 1 %', abortsWithoutData: false };

  it('is an analysis that fails, also while it is paused', () => {
    const { record } = decide({ asked: { state: 'Paused' }, input: { analysis: failing } });
    expect(record.current?.why).toEqual({ by: 'Analysis', message: 'errors 3.1 % > 1 %.' });
  });

  it('is no analysis of what got no request, and none where a person has promoted it', () => {
    const { record } = decide({ weights: { v1: 100, v2: 0 }, input: { analysis: failing } });
    expect(record.current?.phase).toBe('Progressing');
    expect(decide({ asked: { verdict: 'Promote' }, input: { analysis: failing } }).traffic?.weights).toEqual({
      v1: 0,
      v2: 100,
    });
  });

  it('is its deadline, which says nothing of a model that got no request', () => {
    const late = decide({ input: { course: overdue } });
    expect(late.record).toMatchObject({ current: { why: { by: 'Deadline' } }, rolledBack: ['of v2'] });
    const unserved = decide({ weights: { v1: 100, v2: 0 }, ready: { v1: 4, v2: 0 }, input: { course: overdue } });
    expect(unserved.record).toMatchObject({ current: { phase: 'Aborted' }, rolledBack: [] });
  });

  it('is no deadline that promotes', () => {
    const course: Course = { ...CANARY, deadline: { afterMs: MINUTE, action: 'Promote' } };
    expect(decide({ input: { course } }).traffic?.weights).toEqual({ v1: 0, v2: 100 });
  });
});

describe('a model that was rolled back here', () => {
  const again = { record: { current: undefined, rolledBack: ['of v2'] }, weights: { v1: 100 } };

  it('starts paused', () => {
    const { traffic, record, waiting } = decide(again);
    expect(traffic?.weights).toEqual({ v1: 100, v2: 0 });
    expect(record.current?.isHeldBack).toBe(true);
    expect(waiting).toEqual({ for: 'PreviouslyRolledBack' });
  });

  it('is none where the same model serves', () => {
    const sameModel = { name: 'v2', modelDigest: 'of v1', cause: 'SpecChange' as const };
    const given = { ...again, record: { ...again.record, rolledBack: ['of v1'] }, input: { desired: sameModel } };
    expect(decide(given).record.current?.isHeldBack).toBeUndefined();
    const aborted = decide({ rollout: { modelDigest: 'of v1' }, asked: { verdict: 'Abort' } });
    expect(aborted.record).toMatchObject({ current: { phase: 'Aborted' }, rolledBack: [] });
  });

  it('goes on when it is accepted again, or promoted', () => {
    const held = { weights: { v1: 100, v2: 0 }, rollout: { isHeldBack: true } };
    expect(decide({ ...held, input: { acceptAgain: ['of v2'] } }).traffic?.weights).toEqual({ v1: 75, v2: 25 });
    expect(decide({ ...held, asked: { verdict: 'Promote' } }).traffic?.weights).toEqual({ v1: 0, v2: 100 });
  });

  it('is forgotten once it serves', () => {
    const given = { weights: { v1: 0, v2: 100 }, rollout: { step: 2 }, record: { rolledBack: ['of v2', 'of v9'] } };
    const { traffic, record } = decide({ ...given, record: { rolledBack: ['of v2', 'of v9'] } });
    expect(traffic?.weights).toEqual({ v2: 100 });
    expect(record.rolledBack).toEqual(['of v9']);
  });
});

describe('readRecord', () => {
  it('takes what it cannot read for nothing', () => {
    expect(readRecord('{"lastNumber":')).toEqual(NO_ROLLOUTS);
    expect(readRecord('{"lastNumber":"7"}')).toEqual(NO_ROLLOUTS);
    expect(readRecord(undefined)).toEqual(NO_ROLLOUTS);
  });
});
