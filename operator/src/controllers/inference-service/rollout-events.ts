/** What of a rollout is told in Events, by what a decision changes. */
import type { EventNote } from '@slipway/kube';
import { isGradual } from '../../rollouts/course.ts';
import type { Decision, RolloutInput } from '../../rollouts/decide-traffic.ts';
import type { Rollout } from '../../rollouts/record.ts';
import type { Traffic } from '../../rollouts/traffic.ts';
import { nameOfRollout } from './build-rollout.ts';
import { placeOf } from './rollout-words.ts';

/** @param service Name of the InferenceService. */
export function rolloutNotes(service: string, input: RolloutInput, decision: Decision): EventNote[] {
  const { current } = decision.record;
  if (current === undefined) return promotedNotes(service, input, decision);
  return current.phase === 'Aborted' ? abortNotes(service, input, current) : stepNotes(service, input, decision);
}

function promotedNotes(service: string, { record }: RolloutInput, decision: Decision): EventNote[] {
  const [last] = decision.record.ended;
  if (last?.outcome !== 'Promoted' || last.number === record.ended[0]?.number) return [];
  const message = `${nameOfRollout(service, last)}: the candidate is the stable revision now.`;
  return [{ type: 'Normal', reason: 'RolloutPromoted', message, action: 'RollingOut' }];
}

function abortNotes(service: string, { record, course, live }: RolloutInput, rollout: Rollout): EventNote[] {
  const { number, to, why } = rollout;
  if (record.current?.number === number && record.current.phase === 'Aborted') return [];
  const place = placeOf({ rollout, course, weight: live?.weights[to] ?? 0 });
  const message = `${nameOfRollout(service, rollout)} was aborted at ${place}: ${why?.message ?? ''}`;
  return [{ type: 'Warning', reason: 'RolloutAborted', message, action: 'RollingOut' }];
}

function stepNotes(service: string, { live, course }: RolloutInput, { record, traffic }: Decision): EventNote[] {
  const { current } = record;
  if (current === undefined || !isGradual(course) || shareOf(traffic, current.to) <= shareOf(live, current.to))
    return [];
  const place = placeOf({ rollout: current, course, weight: traffic?.weights[current.to] ?? 0 });
  const message = `${nameOfRollout(service, current)}: ${place}.`;
  return [{ type: 'Normal', reason: 'RolloutStep', message, action: 'RollingOut' }];
}

/** A weight is more than any copies. */
function shareOf(traffic: Traffic | undefined, revision: string): number {
  const { weights = {}, mirrors = {} } = traffic ?? {};
  return (weights[revision] ?? 0) * 1000 + (mirrors[revision] ?? 0);
}
