/** A finished materialisation, as the Job that made it records it: the FeatureSet's status may be lost, the Job has it all. */
import { MaterialiseResult } from '@slipway/crds/batch';
import type { DeepReadonly, Job } from '@slipway/kube';
import { z } from 'zod';
import { RESULT_ANNOTATION } from '../../labels.ts';
import { jobOutcome } from '../../jobs/job-outcome.ts';
import { parseJson } from '../../parse-json.ts';

/** JSON on the Job: what it was asked to make, and where. */
export const MATERIALIZATION_ANNOTATION = 'slipway.dev/materialization';

const Asked = z.object({ definition: z.string(), run: z.number().int(), store: z.string(), path: z.string() });

export interface Materialization extends z.infer<typeof Asked> {
  readonly rows: number;
  readonly bytes: number;
  readonly digest: string;
  readonly watermark?: { readonly event: string; readonly known: string } | undefined;
  readonly warnings: readonly string[];
}

export function askedOf(job: DeepReadonly<Job>): z.infer<typeof Asked> | undefined {
  const parsed = Asked.safeParse(parseJson(job.metadata.annotations?.[MATERIALIZATION_ANNOTATION]));
  return parsed.success ? parsed.data : undefined;
}

/** What a Job made; undefined for one that is not finished, has failed, or whose result is not recorded yet. */
export function materializationOf(job: DeepReadonly<Job>): Materialization | undefined {
  if (job.metadata.annotations?.[RESULT_ANNOTATION] === undefined) return undefined;
  const asked = askedOf(job);
  const outcome = jobOutcome(job, [], { result: MaterialiseResult });
  return asked === undefined || outcome.state !== 'succeeded' ? undefined : withResult(asked, outcome.result);
}

export function withResult(asked: z.infer<typeof Asked>, result: MaterialiseResult): Materialization {
  const { rows, bytes, digest, watermark, warnings } = result;
  return { ...asked, rows, bytes, digest, warnings, ...(watermark === undefined ? {} : { watermark }) };
}

/** The newest of a definition: the highest run, then the Job that was made last. */
export function newestMaterialization(
  jobs: readonly DeepReadonly<Job>[],
  definition: string,
): Materialization | undefined {
  const newestLast = [...jobs].sort((a, b) => (age(a) < age(b) ? -1 : 1));
  const found = newestLast.map(materializationOf).filter((one) => one?.definition === definition);
  return found.reduce(
    (best, one) => (best === undefined || (one !== undefined && one.run >= best.run) ? one : best),
    undefined,
  );
}

function age({ metadata }: DeepReadonly<Job>): string {
  return `${metadata.creationTimestamp ?? ''} ${metadata.name}`;
}
