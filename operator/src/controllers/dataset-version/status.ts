import type { Condition, DatasetVersion, DatasetVersionStatus } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { baseStatus, ready } from '../../conditions.ts';

export function datasetVersionStatus(
  version: DeepReadonly<DatasetVersion>,
  now: Date,
): DatasetVersionStatus & { conditions: Condition[] } {
  const { train, validation, test } = version.spec.rows;
  const message = `Recorded: ${train} rows to train, ${validation} to validate, ${test} to test.`;
  return baseStatus(version, ready({ reason: 'Recorded', message }), now);
}
