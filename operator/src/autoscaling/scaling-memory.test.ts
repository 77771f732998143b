/** Whose load is remembered, for how long, and what it lets go. */
import { describe, expect, it } from 'vitest';
import { FIRST_STATE } from './decide-replicas.ts';
import { ScalingMemory } from './scaling-memory.ts';

const revision = { revision: 'a', concurrency: 3, requests: 7, errors: 0, seconds: 1 };
const load = {
  milliseconds: 1000,
  routes: [{ uid: 'busy', held: 2, revisions: [revision, { ...revision, revision: 'b' }] }],
};

describe('what a gateway says', () => {
  it('counts for every revision of a route, and a route that it does not name had nothing to do', () => {
    const memory = new ScalingMemory();
    const { history: busy } = memory.follow('team/one', 'busy');
    const { history: quiet } = memory.follow('team/two', 'quiet');
    memory.take('gateway', 1000, load);

    expect(busy.over(1000, 1000)).toEqual({
      concurrency: 8,
      requestsPerSecond: 14,
      secondsPerRequest: 1 / 7,
    });
    expect(busy.held(1000)).toBe(2);
    expect(quiet.over(1000, 1000)).toMatchObject({ concurrency: 0, requestsPerSecond: 0 });
  });

  it('is not kept for services that nobody scales', () => {
    const memory = new ScalingMemory();
    const { history } = memory.follow('team/one', 'busy');
    memory.forget('team/one');
    memory.take('gateway', 1000, load);

    expect(memory.follows('busy')).toBe(false);
    expect(history.size).toBe(0);
  });
});

describe('a service', () => {
  it('that is looked at again is the same, and another one once its route was made again', () => {
    const memory = new ScalingMemory();
    const first = memory.follow('team/one', 'old');
    first.state = FIRST_STATE;

    expect(memory.follow('team/one', 'old')).toBe(first);
    expect(memory.follow('team/one', 'new').state).toBeUndefined();
    expect(memory.follows('old')).toBe(false);
  });

  it('keeps what was needed within the window; nothing at zero; and unknown is not nothing', () => {
    const memory = new ScalingMemory();
    const one = memory.follow('team/one', 'route');
    expect(memory.floorOf('team/one', 'route')).toBeUndefined();

    const recommended = [
      { at: 0, replicas: 7 },
      { at: 1, replicas: 2 },
    ];
    one.state = { ...FIRST_STATE, recommended };
    expect(memory.floorOf('team/one', 'route')).toBe(7);
    expect(memory.floorOf('team/one', 'another')).toBeUndefined();

    one.state = FIRST_STATE;
    expect(memory.floorOf('team/one', 'route')).toBe(0);
  });
});
