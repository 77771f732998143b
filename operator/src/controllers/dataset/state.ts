import type { DatasetVersion } from '@slipway/crds';
import type { BuildDatasetResult } from '@slipway/crds/batch';
import type { DeepReadonly, Job } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import type { ObservedDataset } from './observe.ts';

/** Where a Dataset stands. Plan and status both go by it. */
export type DatasetState =
  | { readonly phase: 'built'; readonly version: DeepReadonly<DatasetVersion> }
  /** A person deleted the version of this recipe. */
  | { readonly phase: 'deleted'; readonly name: string }
  | { readonly phase: 'blocked'; readonly problem: Reason }
  | { readonly phase: 'building'; readonly why: Reason }
  | { readonly phase: 'publishing'; readonly job: DeepReadonly<Job>; readonly result: BuildDatasetResult }
  | { readonly phase: 'failed'; readonly why: Reason };

const BUILDING: Reason = { reason: 'Building', message: 'A Job joins the features onto the rows.' };

export function datasetState({ version, deletedVersion, inputs, current }: ObservedDataset): DatasetState {
  if (version !== undefined) return { phase: 'built', version };
  if (deletedVersion !== undefined) return { phase: 'deleted', name: deletedVersion };
  if (inputs.problem !== undefined) return { phase: 'blocked', problem: inputs.problem };
  const { job, outcome } = current;
  if (job === undefined) return { phase: 'building', why: BUILDING };
  switch (outcome.state) {
    case 'succeeded':
      return { phase: 'publishing', job, result: outcome.result };
    case 'failed':
      return { phase: 'failed', why: outcome };
    case 'pending':
      return { phase: 'building', why: outcome.reason === 'Starting' ? BUILDING : outcome };
    case 'running':
      return { phase: 'building', why: outcome.trouble ?? BUILDING };
    case 'absent':
      break;
  }
  return { phase: 'building', why: BUILDING };
}
