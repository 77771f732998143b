import { describe, expect, it } from 'vitest';
import { CHANGING, pass, person, settled, undone } from '../testing/rollout-world.ts';
import { LAST_STEP, ROLLING } from './course.ts';

const CANARY = { steps: [{ ...LAST_STEP, weight: 30, waitsForPromotion: true }, LAST_STEP], deadline: undefined };
/** v2 came to serve after v1. */
const second = settled(CHANGING, ROLLING);
const back = settled(undone(second, 'v1'), CANARY);

describe('an Undo', () => {
  it('goes back at once, by no steps, and stays while the spec asks for the same', () => {
    expect(back.route.traffic).toMatchObject({ stable: 'v1', weights: { v1: 100 } });
    expect(back.route.record).toMatchObject({
      undone: { to: 'v1', insteadOf: 'v2' },
      rolledBack: ['of v2'],
      ended: [{ outcome: 'Promoted', by: { name: 'back-1' } }, { outcome: 'Promoted' }],
    });
    const unread = settled({ ...back, desired: undefined, analysis: 'Failing' }, CANARY);
    expect(settled({ ...unread, desired: 'v2' }, CANARY).route).toEqual(back.route);
  });

  it('ends when the spec asks for something else, also for what serves', () => {
    const third = settled({ ...back, desired: 'v3' }, ROLLING);
    expect(third.route.traffic.weights).toEqual({ v3: 100 });
    const same = settled({ ...back, desired: 'v1' }, ROLLING);
    expect([third, same].map(({ route }) => route.record.undone)).toEqual([undefined, undefined]);
    const again = settled({ ...same, desired: 'v2' }, ROLLING);
    expect(again.route.record.current).toMatchObject({ to: 'v2', isHeldBack: true });
  });

  it('takes the place of a canary in one write, and remembers its model', () => {
    const onItsWay = settled(CHANGING, CANARY);
    expect(onItsWay.route.traffic.weights).toEqual({ v1: 70, v2: 30 });
    const { traffic, record } = pass(undone(onItsWay, 'v1'), CANARY).route;
    expect(traffic.weights).toEqual({ v1: 100 });
    expect(record).toMatchObject({
      rolledBack: ['of v2'],
      ended: [{ outcome: 'Withdrawn' }, { outcome: 'Superseded' }],
    });
  });

  it('is refused for what has never served', () => {
    const aborted = settled(
      person(settled(CHANGING, CANARY), () => ({ verdict: 'Abort' })),
      CANARY,
    );
    const { traffic, record } = settled(undone(aborted, 'v2'), CANARY).route;
    expect(traffic.weights).toEqual({ v1: 100 });
    expect(record.ended[0]).toMatchObject({
      outcome: 'Refused',
      why: { message: expect.stringContaining('all requests here') },
    });
  });

  it('is over with its abort', () => {
    const begun = pass(undone(second, 'v1'), CANARY);
    const { traffic, record } = settled(
      person(begun, () => ({ verdict: 'Abort' })),
      CANARY,
    ).route;
    expect(traffic.weights).toEqual({ v2: 100 });
    expect(record.ended[0]).toMatchObject({ outcome: 'Aborted', by: { name: 'back-1' } });
    expect(record).not.toHaveProperty('undone');
  });
});
