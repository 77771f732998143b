/**
 * Going back to a revision that a person names. It stays in force until the spec asks for something else than it asked for then,
 * so that neither a restart nor an unrelated look at the spec brings back what was taken away.
 */
import { ROLLING } from './course.ts';
import type { Serving } from './decide-traffic.ts';
import { ended, REMEMBERED, remembered } from './record.ts';
import type { RolloutRecord, UndoSource, Undone } from './record.ts';

/** A ModelRollout with cause Undo that was not answered yet. */
export interface AskedUndo {
  readonly by: UndoSource;
  /** The revision to go back to. */
  readonly to: string;
  /** Of the model that it serves. */
  readonly modelDigest: string | undefined;
  /** Why nobody can go back to it, for people. */
  readonly problem: string | undefined;
}

/** What to aim at: what the spec asks for or, while an Undo is in force, where that goes back to, at once and unjudged. */
export function aimed(input: Serving): Serving {
  const record = inForce(answered(input), input);
  const { undone } = record;
  if (undone === undefined) return { ...input, record };
  const { to, by } = undone;
  const desired = { name: to, modelDigest: input.digestOf(to), cause: 'Undo' as const, by };
  return { ...input, record, desired, course: ROLLING, analysis: undefined };
}

/** An Undo that was aborted, or brought what the spec asks for, is over: the spec counts again. */
function inForce(record: RolloutRecord, { desired, live }: Serving): RolloutRecord {
  const { undone, current, ...rest } = record;
  if (undone === undefined) return record;
  const isOver = desired !== undefined && desired.name !== undone.insteadOf;
  const isAborted = current?.phase === 'Aborted' && current.by?.uid === undone.by.uid;
  const isReached = undone.to === undone.insteadOf && undone.to === live.stable;
  return isOver || isAborted || isReached ? { ...rest, ...(current === undefined ? {} : { current }) } : record;
}

function answered(input: Serving): RolloutRecord {
  const { record, undo } = input;
  if (undo === undefined) return record;
  const problem = undo.problem ?? neverServed(input, undo.to);
  if (problem === undefined) return accepted(input, undo);
  return withEnd(record, input, { by: undo.by, outcome: 'Refused', why: { by: 'Operator', message: problem } });
}

/** One that ends without a step. */
function withEnd(
  record: RolloutRecord,
  { highestNumber, now }: Serving,
  end: Omit<RolloutRecord['ended'][number], 'number' | 'at'>,
): RolloutRecord {
  const lastNumber = Math.max(record.lastNumber, highestNumber) + 1;
  return {
    ...record,
    lastNumber,
    ended: remembered({ number: lastNumber, at: now.toISOString(), ...end }, record.ended),
  };
}

function accepted(input: Serving, undo: AskedUndo): RolloutRecord {
  const { record, now, live, desired } = input;
  const { by, to } = undo;
  // Where the spec cannot be read now it asks for what it asked for last.
  const insteadOf = desired?.name ?? record.undone?.insteadOf ?? record.current?.to ?? live.stable;
  const undone: Undone = { by, to, insteadOf };
  const rolledBack = takenAway(input, undo);
  if (to !== live.stable) return { ...record, undone, rolledBack };
  const before = ended(record, record.current?.phase === 'Aborted' ? 'Aborted' : 'Superseded', now);
  return { ...withEnd(before, input, { by, outcome: 'Withdrawn' }), undone, rolledBack };
}

/** What was tried, and taken back, is no place to go back to: it would skip the steps that found that out. */
function neverServed({ record, live }: Serving, to: string): string | undefined {
  if (to === live.stable || record.served?.includes(to) === true) return undefined;
  return `Revision "${to}" has not had all requests here before, as far as is remembered, so nobody can go back to it. Name its version in the spec of the service.`;
}

/** The models that a person goes back from: the one that serves, and the one that was on its way. */
function takenAway({ record, live, stableDigest }: Serving, { to, modelDigest }: AskedUndo): string[] {
  const left = [record.current?.modelDigest, to === live.stable ? undefined : stableDigest];
  const models = left.filter((digest) => digest !== undefined && digest !== modelDigest);
  return [...new Set([...models, ...record.rolledBack])].filter((digest) => digest !== undefined).slice(0, REMEMBERED);
}
