/** What people and the clock have changed in a rollout since it was looked at last. */
import type { Serving } from './decide-traffic.ts';
import type { Asked, Rollout } from './record.ts';

type Heard = Pick<Serving, 'asked' | 'acceptAgain' | 'now'>;

export function heard(rollout: Rollout, input: Heard): Rollout {
  const { now } = input;
  const merged = newest(rollout.asked, input.asked(rollout) ?? rollout.asked);
  const isRetry = rollout.phase === 'Aborted' && merged.try > rollout.asked.try;
  const tried = isRetry ? retried(rollout, now) : rollout;
  return withPause({ ...notInTheFuture(tried, now), asked: merged }, input);
}

/** A cache that is behind takes nothing back of what never falls. */
function newest(before: Asked, asked: Asked): Asked {
  return {
    ...(asked.try < before.try ? before : asked),
    approvedStep: Math.max(before.approvedStep, asked.approvedStep),
  };
}

/** From the first step; a person who says so accepts the model. */
function retried(rollout: Rollout, now: Date): Rollout {
  const { why: _why, since: _since, pausedAt: _pausedAt, isHeldBack: _isHeldBack, ...rest } = rollout;
  return { ...rest, phase: 'Progressing', step: 0, begunAt: now.toISOString() };
}

/** A clock that was set back would let a step last for as long as it was ahead. */
function notInTheFuture(rollout: Rollout, now: Date): Rollout {
  const { since, begunAt } = rollout;
  const latest = (time: string) => (Date.parse(time) <= now.getTime() ? time : now.toISOString());
  return { ...rollout, begunAt: latest(begunAt), ...(since === undefined ? {} : { since: latest(since) }) };
}

/** The deadline does not count the time of a pause. */
function withPause(rollout: Rollout, { acceptAgain, now }: Heard): Rollout {
  const { pausedAt, ...running } = rollout;
  if (rollout.phase === 'Progressing' && pauseReason(rollout, acceptAgain) !== undefined) {
    return { ...rollout, pausedAt: pausedAt ?? now.toISOString() };
  }
  if (pausedAt === undefined) return rollout;
  const pausedMs = Math.max(0, now.getTime() - Date.parse(pausedAt));
  const begunAt = Math.min(now.getTime(), Date.parse(rollout.begunAt) + pausedMs);
  return { ...running, begunAt: new Date(begunAt).toISOString() };
}

/** Why it stays where it is, whatever the pods and the analysis say. A verdict of a person ends that. */
export function pauseReason(
  { asked, modelDigest, isHeldBack = false }: Rollout,
  acceptAgain: readonly string[],
): 'PreviouslyRolledBack' | 'Paused' | undefined {
  if (asked.verdict !== 'Auto') return undefined;
  if (isHeldBack && modelDigest !== undefined && !acceptAgain.includes(modelDigest)) return 'PreviouslyRolledBack';
  return asked.state === 'Paused' ? 'Paused' : undefined;
}
