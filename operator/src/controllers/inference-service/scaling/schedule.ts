/** When a schedule asks for more pods: pure. */
import { Cron } from 'croner';

export interface ScheduledMinimum {
  readonly from: string;
  readonly until: string;
  readonly timeZone: string;
  readonly min: number;
}

export interface Scheduled {
  /** Fewest pods now; 0 where no time of the schedule holds. */
  readonly min: number;
  /** Milliseconds until that may be another; undefined: never. */
  readonly changesInMs: number | undefined;
}

export function scheduledNow(schedule: readonly ScheduledMinimum[], now: Date): Scheduled {
  const times = schedule.map(({ from, until, timeZone, min }) => {
    const [begin, end] = [from, until].map((pattern) => new Cron(pattern, { timezone: timeZone, paused: true }));
    const [began, ended] = [begin, end].map((cron) => lastRun(cron, now));
    const nexts = [begin, end].flatMap((cron) => cron?.nextRun(now)?.getTime() ?? []);
    return { min: (began ?? -Infinity) > (ended ?? -Infinity) ? min : 0, nexts };
  });
  const next = Math.min(...times.flatMap(({ nexts }) => nexts));
  return {
    min: Math.max(0, ...times.map(({ min }) => min)),
    changesInMs: Number.isFinite(next) ? next - now.getTime() : undefined,
  };
}

function lastRun(cron: Cron | undefined, now: Date): number | undefined {
  // A time that is now has come, and the library counts only those before.
  return cron?.previousRuns(1, new Date(now.getTime() + 1))[0]?.getTime();
}
