import type { DeepReadonly, Job } from '@slipway/kube';
import { shortHash } from '../names.ts';
import type { Resources } from './build-batch-job.ts';
import type { JobOutcome } from './job-outcome.ts';

/** On a Job: a hash of the resources that it was made with. The API server rewrites the quantities themselves (1000m to 1). */
const RESOURCES_ANNOTATION = 'slipway.dev/resources';

export function resourcesAnnotation(resources: DeepReadonly<Resources> | undefined): Record<string, string> {
  return { [RESOURCES_ANNOTATION]: shortHash(resources ?? {}, 8) };
}

/**
 * Whether other resources should replace a Job. They do not change what it makes, so one that runs well or has succeeded
 * stays; one that failed, or that no node takes, was perhaps waiting for exactly this.
 */
export function isReplacedForResources(
  { job, outcome }: { readonly job: DeepReadonly<Job> | undefined; readonly outcome: JobOutcome<unknown> },
  resources: DeepReadonly<Resources> | undefined,
): boolean {
  const has = job?.metadata.annotations?.[RESOURCES_ANNOTATION];
  if (has === undefined || has === resourcesAnnotation(resources)[RESOURCES_ANNOTATION]) return false;
  if (outcome.state === 'running') return outcome.trouble !== undefined;
  return outcome.state === 'failed' || outcome.state === 'pending';
}
