import type { Approval, ApprovalStatus, Condition, ModelVersion, Signature } from '@slipway/crds';
import type { DeepReadonly } from '@slipway/kube';
import { baseStatus, inProgress, ready } from '../../conditions.ts';

export interface ObservedApproval {
  readonly approval: DeepReadonly<Approval>;
  /** The version that it speaks of. */
  readonly version: DeepReadonly<ModelVersion> | undefined;
  readonly signature: Signature;
}

export function approvalStatus(observed: ObservedApproval, now: Date): ApprovalStatus & { conditions: Condition[] } {
  const { approval, version, signature } = observed;
  const { decision, by, modelVersion } = approval.spec;
  const conditions =
    version === undefined
      ? inProgress({
          reason: 'ModelVersionNotFound',
          message: `There is no ModelVersion "${modelVersion.name}" in this namespace. The Approval counts once it is there; delete it if the name is wrong.`,
        })
      : ready({ reason: 'Recorded', message: `${decision} by ${by}.` });
  return { ...baseStatus(approval, conditions, now), by: signature };
}
