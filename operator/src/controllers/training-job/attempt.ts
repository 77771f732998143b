/** An attempt, as its Job records it: what it trains with was decided once, and a lost status changes nothing. */
import type { DeepReadonly, Job } from '@slipway/kube';
import { z } from 'zod';
import { parseJson } from '../../parse-json.ts';
import { ATTEMPT_LABEL, ROLE_LABEL } from '../../labels.ts';
import type { Identity } from './identity.ts';

/** JSON on the Job of an attempt. */
export const ATTEMPT_ANNOTATION = 'slipway.dev/training';

export const AttemptRecord = z.object({
  number: z.number().int(),
  spec: z.string(),
  code: z.string(),
  template: z.string(),
  run: z.string(),
  datasetVersion: z.string(),
  /** How many attempts before this one, without a break, the cluster took away. */
  restarts: z.number().int(),
});
export type AttemptRecord = z.infer<typeof AttemptRecord>;

export interface Attempt {
  readonly record: AttemptRecord;
  readonly job: DeepReadonly<Job>;
}

export type Role = 'trainer' | 'publish';

/** The attempts among the Jobs of a TrainingJob, the newest last. */
export function attemptsOf(jobs: readonly DeepReadonly<Job>[]): Attempt[] {
  const attempts = jobs.flatMap((job) => {
    const parsed = AttemptRecord.safeParse(parseJson(job.metadata.annotations?.[ATTEMPT_ANNOTATION]));
    return parsed.success ? [{ record: parsed.data, job }] : [];
  });
  return attempts.sort((a, b) => a.record.number - b.record.number);
}

/** The attempt that a Job of a TrainingJob belongs to; publishing is a part of it. */
export function attemptNumberOf({ metadata }: DeepReadonly<Job>): number {
  return Number(metadata.labels?.[ATTEMPT_LABEL] ?? 0);
}

export function roleLabels(role: Role, attempt: number): Record<string, string> {
  return { [ROLE_LABEL]: role, [ATTEMPT_LABEL]: String(attempt) };
}

/** Whether the attempt does what the spec asks. While the ConfigMap is missing nobody knows whether the code has changed. */
export function isAttemptAt({ record }: Attempt, identity: Identity): boolean {
  return record.spec === identity.spec && (identity.code === undefined || record.code === identity.code);
}
