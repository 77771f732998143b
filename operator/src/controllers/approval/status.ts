import type { Approval, ApprovalStatus, Condition, ModelVersion, Signature } from '@slipway/crds';
import type { DeepReadonly, WantedCondition } from '@slipway/kube';
import { baseStatus, inProgress, ready, stalled } from '../../conditions.ts';

export interface ObservedApproval {
  readonly approval: DeepReadonly<Approval>;
  /** The version that it speaks of. */
  readonly version: DeepReadonly<ModelVersion> | undefined;
  readonly signature: Signature;
}

export function approvalStatus(observed: ObservedApproval, now: Date): ApprovalStatus & { conditions: Condition[] } {
  const { approval, signature } = observed;
  return { ...baseStatus(approval, approvalConditions(observed), now), by: signature };
}

function approvalConditions({ approval, version }: ObservedApproval): WantedCondition[] {
  const { decision, by, modelVersion } = approval.spec;
  const { name } = modelVersion;
  if (version === undefined) {
    const message = `There is no ModelVersion "${name}" in this namespace. Create it, and then the Approval again, which does not count for what is younger; or delete it if the name is wrong.`;
    return inProgress({ reason: 'ModelVersionNotFound', message });
  }
  if (isOlderThan(approval, version)) {
    const message = `It is older than ModelVersion "${name}", so it may speak of another one that had this name, and does not count. Delete it, and create it again.`;
    return stalled({ reason: 'OlderThanVersion', message });
  }
  return ready({ reason: 'Recorded', message: `${decision} by ${by}.` });
}

/** An Approval names its version, which may have been deleted and made again. Both times are the API server's own. */
export function isOlderThan(approval: DeepReadonly<Approval>, version: DeepReadonly<ModelVersion>): boolean {
  return Date.parse(approval.metadata.creationTimestamp ?? '') < Date.parse(version.metadata.creationTimestamp ?? '');
}
