import type { Condition, DatasetStatus, DatasetVersion } from '@slipway/crds';
import type { DeepReadonly, OperatorError, WantedCondition } from '@slipway/kube';
import { baseStatus, conditionsOfError, inProgress, ready, stalled } from '../../conditions.ts';
import { latestOf } from '../model/status.ts';
import type { ObservedDataset } from './observe.ts';
import { datasetState } from './state.ts';

/** Undefined where an error says nothing about the Dataset: its status stays as it is. */
export function datasetStatus(
  observed: ObservedDataset,
  context: { readonly now: Date; readonly error?: OperatorError | undefined },
): (DatasetStatus & { conditions: Condition[] }) | undefined {
  const conditions = context.error === undefined ? conditionsOf(observed) : conditionsOfError(context.error);
  if (conditions === undefined) return undefined;
  const latest = observed.version ?? latestOf(observed.versions);
  return {
    ...baseStatus(observed.dataset, conditions, context.now),
    ...(latest === undefined ? {} : { latest: latestFacts(latest) }),
  };
}

function conditionsOf(observed: ObservedDataset): WantedCondition[] {
  const state = datasetState(observed);
  const nextRun = observed.dataset.spec.run + 1;
  switch (state.phase) {
    case 'built':
      return ready({ reason: 'Built', message: builtMessage(observed, state.version) });
    case 'deleted': {
      const message = `DatasetVersion "${state.name}", which was made of this recipe, is gone. To make another one, raise spec.run to ${nextRun}.`;
      return stalled({ reason: 'VersionDeleted', message });
    }
    case 'blocked':
      return inProgress(state.problem);
    case 'building':
      return inProgress(state.why);
    case 'publishing':
      return inProgress({
        reason: 'Publishing',
        message: 'The files are written; the DatasetVersion is being recorded.',
      });
    case 'failed':
      break;
  }
  const again = `A change of the recipe or of a FeatureSet starts it again; after putting files right, raise spec.run to ${nextRun}.`;
  return stalled({ reason: state.why.reason, message: `${state.why.message} ${again}` });
}

function builtMessage(observed: ObservedDataset, { metadata, spec }: DeepReadonly<DatasetVersion>): string {
  const { train, validation, test } = spec.rows;
  const dropped = Object.entries(spec.dropped)
    .filter(([, count]) => count > 0)
    .map(([why, count]) => `${count} ${why}`);
  const left = dropped.length === 0 ? '' : ` Left out: ${dropped.join(', ')}.`;
  const counts = `${metadata.name}: ${train} rows to train, ${validation} to validate, ${test} to test.${left}`;
  const moved = changedFeatureSets(observed, spec);
  if (moved.length === 0) return counts;
  return `${counts} Since then FeatureSet ${moved.join(', ')} has got another definition; raise spec.run to ${observed.dataset.spec.run + 1} for a version with it.`;
}

function changedFeatureSets({ features }: ObservedDataset, spec: DeepReadonly<DatasetVersion>['spec']): string[] {
  return features
    .filter(({ name, usable }) => {
      const used = spec.features.find((feature) => feature.featureSet === name)?.definition;
      const now = usable?.materialization?.definition;
      return used !== undefined && now !== undefined && used !== now;
    })
    .map(({ name }) => `"${name}"`);
}

function latestFacts({ metadata, spec }: DeepReadonly<DatasetVersion>): NonNullable<DatasetStatus['latest']> {
  const { train, validation, test } = spec.rows;
  return { name: metadata.name, recipe: spec.recipe, rows: train + validation + test };
}
