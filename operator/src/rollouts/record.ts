/**
 * What the operator has to know to go on with a rollout. It is kept in an annotation of the TrafficRoute and written together
 * with the weights, so that neither a lost status nor a deleted ModelRollout, nor a crash between two writes, loses the way.
 */
import { z } from 'zod';
import { parseJson } from '../parse-json.ts';

/** On the TrafficRoute. */
export const ROLLOUT_ANNOTATION = 'slipway.dev/rollout';

/** What people may change in a ModelRollout. */
const Asked = z.object({
  state: z.enum(['Running', 'Paused']),
  verdict: z.enum(['Auto', 'Promote', 'Abort']),
  /** The last step that was approved, counted from 1. */
  approvedStep: z.number().int(),
  try: z.number().int(),
});
export type Asked = z.infer<typeof Asked>;

/** The ModelRollout by which a person went back. */
const UndoSource = z.object({ uid: z.string(), name: z.string() });
export type UndoSource = z.infer<typeof UndoSource>;

/** In force until the spec asks for something else than it asked for then. */
const Undone = z.object({
  by: UndoSource,
  /** The revision that serves for that long. */
  to: z.string(),
  /** The revision that the spec asks for. */
  insteadOf: z.string(),
});
export type Undone = z.infer<typeof Undone>;

export const NOTHING_ASKED: Asked = { state: 'Running', verdict: 'Auto', approvedStep: 0, try: 1 };

/** NoData: an analysis that had nothing to judge by. Operator: what was asked for is not possible. */
const Why = z.object({ by: z.enum(['Person', 'Analysis', 'NoData', 'Deadline', 'Operator']), message: z.string() });
export type Why = z.infer<typeof Why>;

const time = z.string();

const Rollout = z.object({
  /** Of the ModelRollout: `<service>-<number>`. */
  number: z.number().int(),
  /** Revisions. */
  from: z.string(),
  to: z.string(),
  cause: z.enum(['SpecChange', 'AliasMove', 'Refresh', 'Undo']),
  /** Of an Undo. */
  by: UndoSource.optional(),
  /** Of the model that `to` serves; undefined where it cannot be said. */
  modelDigest: z.string().optional(),
  phase: z.enum(['Progressing', 'Aborted']),
  /** Why it was aborted. */
  why: Why.optional(),
  /** Index into the steps of the course. */
  step: z.number().int(),
  /** Since when every gateway goes by the step; absent before. */
  since: time.optional(),
  /** When it began; later by the time for which it was paused. */
  begunAt: time,
  pausedAt: time.optional(),
  /** The same model was rolled back here before, so that a person has to accept it again. */
  isHeldBack: z.boolean().optional(),
  /** Pods of the stable revision when it began. */
  stablePods: z.number().int(),
  /** As last seen: the ModelRollout may be deleted by hand. */
  asked: Asked,
});
export type Rollout = z.infer<typeof Rollout>;

/** Superseded: something else was asked for. Withdrawn: the stable revision was. Refused: an Undo that is not possible. */
const Outcome = z.enum(['Promoted', 'Aborted', 'Superseded', 'Withdrawn', 'Refused']);
export type Outcome = z.infer<typeof Outcome>;

const Ended = z.object({
  number: z.number().int(),
  /** Of an Undo. */
  by: UndoSource.optional(),
  outcome: Outcome,
  at: time,
  why: Why.optional(),
});
export type Ended = z.infer<typeof Ended>;

const RolloutRecord = z.object({
  /** The highest number that was given. */
  lastNumber: z.number().int(),
  current: Rollout.optional(),
  undone: Undone.optional(),
  /** The newest first. */
  ended: z.array(Ended),
  /** Revisions that have had all requests, the newest first; the first of a service from its first change on. */
  served: z.array(z.string()).optional(),
  /** Digests of models that were rolled back here and not promoted since, the newest first. */
  rolledBack: z.array(z.string()),
});
export type RolloutRecord = z.infer<typeof RolloutRecord>;

/** Of a service that never had a rollout. */
export const NO_ROLLOUTS: RolloutRecord = { lastNumber: 0, ended: [], rolledBack: [] };

/** How many ended rollouts, and how many models that were rolled back, are remembered. */
export const REMEMBERED = 10;

/** What cannot be read (somebody has edited it) is as good as nothing: the weights of the route still tell how far it is. */
export function readRecord(annotation: string | undefined): RolloutRecord {
  const parsed = RolloutRecord.safeParse(parseJson(annotation));
  return parsed.success ? parsed.data : NO_ROLLOUTS;
}

/** The current rollout is over. */
export function ended(record: RolloutRecord, outcome: Outcome, now: Date): RolloutRecord {
  const { current, ...rest } = record;
  if (current === undefined) return record;
  const { number, by, why, modelDigest, to, from } = current;
  const entry: Ended = {
    number,
    ...(by === undefined ? {} : { by }),
    outcome,
    at: now.toISOString(),
    ...(why === undefined ? {} : { why }),
  };
  const rolledBack =
    outcome === 'Promoted' ? rest.rolledBack.filter((digest) => digest !== modelDigest) : rest.rolledBack;
  const served = outcome === 'Promoted' ? [...new Set([to, from, ...(rest.served ?? [])])] : rest.served;
  return {
    ...rest,
    ...(served === undefined ? {} : { served: served.slice(0, REMEMBERED) }),
    rolledBack,
    ended: remembered(entry, rest.ended),
  };
}

export function remembered<T>(newest: T, before: readonly T[]): T[] {
  return [newest, ...before].slice(0, REMEMBERED);
}

/** Whether the ModelRollout of an Undo was answered: it goes on, or has ended. */
export function isAnswered({ current, undone, ended: over }: RolloutRecord, uid: string | undefined): boolean {
  return [current, undone, ...over].some((one) => one?.by?.uid === uid && uid !== undefined);
}
