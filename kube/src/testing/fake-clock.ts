import type { Clock } from '../clock.ts';

export interface FakeClock extends Clock {
  /** Moves time on by `ms`, firing the timers on the way in order, and lets promises settle after each. */
  advance(ms: number): Promise<void>;
  /** Timers that are still to fire. */
  pending(): number;
}

/** A clock that stands still until a test moves it. */
export function createFakeClock(start = new Date('2026-01-01T00:00:00.000Z')): FakeClock {
  let now = start.getTime();
  let timers: { at: number; fn: () => void }[] = [];

  function setTimeoutFake(fn: () => void, ms: number) {
    const timer = { at: now + Math.max(0, ms), fn };
    timers.push(timer);
    return { cancel: () => void (timers = timers.filter((other) => other !== timer)) };
  }

  async function advance(ms: number): Promise<void> {
    const end = now + ms;
    await settle();
    for (;;) {
      const next = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      timers = timers.filter((other) => other !== next);
      now = Math.max(now, next.at);
      next.fn();
      await settle();
    }
    now = end;
    await settle();
  }

  return { now: () => new Date(now), setTimeout: setTimeoutFake, advance, pending: () => timers.length };
}

/** Lets everything run that waits for nothing but promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
