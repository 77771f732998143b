import type { Condition, ModelVersionStatus } from '@slipway/crds';
import type { VerifyModelResult } from '@slipway/crds/batch';
import type { OperatorError, WantedCondition } from '@slipway/kube';
import {
  baseStatus,
  conditionsOfError,
  inProgress,
  isFalse,
  isTrue,
  isUnknown,
  ready,
  stalled,
} from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import { approvedCondition } from './approval.ts';
import { compatibleCondition } from './compatibility/compatible.ts';
import { evaluationStatus } from './evaluation/status.ts';
import { OUR_FORMATS } from './format.ts';
import { inUse, namesOf } from './in-use.ts';
import type { ObservedModelVersion } from './observe.ts';

/** Undefined where an error says nothing about the version: its status stays as it is. */
export function modelVersionStatus(
  observed: ObservedModelVersion,
  context: { readonly now: Date; readonly error?: OperatorError | undefined },
): (ModelVersionStatus & { conditions: Condition[] }) | undefined {
  const { version, verification } = observed;
  const readiness = context.error === undefined ? readyConditions(observed) : conditionsOfError(context.error);
  if (readiness === undefined) return undefined;
  const evaluation = evaluationStatus(observed);
  const conditions = [
    ...readiness,
    artifactVerified(observed),
    ...evaluation.conditions,
    approvedCondition(observed),
    compatibleCondition(observed),
    inUse(observed.users),
  ];
  const { outcome } = verification;
  const facts = outcome.state === 'succeeded' ? verifiedFacts(outcome.result) : {};
  return { ...baseStatus(version, conditions, context.now), ...facts, ...evaluation.facts };
}

function readyConditions({ version, found, verification, users }: ObservedModelVersion): WantedCondition[] {
  const { outcome } = verification;
  if (version.metadata.deletionTimestamp !== undefined) {
    const message = `It is deleted as soon as nothing uses it. Used by ${namesOf(users)}: give them another version, or delete them.`;
    return inProgress({ reason: 'Terminating', message });
  }
  if (outcome.state === 'failed') return stalled(verificationFailed(verification.job?.metadata.name ?? '', outcome));
  if (found.problem !== undefined) return inProgress(found.problem);
  switch (outcome.state) {
    case 'succeeded':
      return ready({ reason: 'Verified', message: verifiedMessage(version.spec.artifact.format) });
    case 'pending':
      return outcome.reason === 'Starting' ? inProgress(VERIFYING) : inProgress(outcome);
    case 'running':
      return inProgress(outcome.trouble ?? VERIFYING);
    default:
      return inProgress(VERIFYING);
  }
}

function verifiedMessage(format: string): string {
  if (OUR_FORMATS.includes(format)) return 'The bytes have the digest, and the model opens.';
  return `The bytes have the digest. Whether the model opens only a runtime for ${format} can tell.`;
}

function verifiedFacts({ signature, bytes }: VerifyModelResult): Pick<ModelVersionStatus, 'signature' | 'bytes'> {
  return { ...(signature === undefined ? {} : { signature }), bytes };
}

const VERIFYING: Reason = { reason: 'Verifying', message: 'A Job reads, hashes and opens the model.' };

function verificationFailed(job: string, { reason, message }: Reason): Reason {
  const again = `It is tried again from time to time, and at once after: kubectl delete job ${job}`;
  return { reason, message: `${message} ${again}` };
}

function artifactVerified({ verification: { outcome } }: ObservedModelVersion): WantedCondition {
  switch (outcome.state) {
    case 'succeeded':
      return isTrue('ArtifactVerified', {
        reason: 'Verified',
        message: `The files have digest ${outcome.result.digest}.`,
      });
    case 'failed':
      return isFalse('ArtifactVerified', outcome);
    default:
      return isUnknown('ArtifactVerified', VERIFYING);
  }
}
