/** How far the name that somebody has signed with can be believed: `status.by` of a ModelAlias and of an Approval. */
import type { Approval, ModelAlias, Signature } from '@slipway/crds';
import { keyOf, watch } from '@slipway/kube';
import type { Cache, DeepReadonly, KubeObject, ObjectKey, Watch } from '@slipway/kube';
import type { SigningCaches } from './deps.ts';

/** An API server enforces a new policy once it has heard of it, which takes it a second or two. */
const UNTIL_ENFORCED_MS = 10_000;

/**
 * The moment since which the API server has checked every signature, in milliseconds; undefined where it checks none. Times of
 * creation are the API server's own, so nobody can pretend that an object is younger than the policy.
 */
export function checkedSince(signing: SigningCaches | undefined): number | undefined {
  if (signing === undefined) return undefined;
  const { name, policies, bindings } = signing;
  const policy = policies.get({ name });
  const binding = bindings.get({ name });
  if (policy === undefined || binding?.spec?.policyName !== name) return undefined;
  if (binding.spec.validationActions?.includes('Deny') !== true) return undefined;
  return Math.max(createdAt(policy), createdAt(binding)) + UNTIL_ENFORCED_MS;
}

/**
 * An object that was created under the policy was checked at each change of its spec. What was found out about a spec stays: a
 * policy that is taken away, or installed anew, changes nothing of what was checked before.
 */
export function signatureOf(object: DeepReadonly<ModelAlias | Approval>, since: number | undefined): Signature {
  const { metadata, spec, status } = object;
  const isTold = status?.observedGeneration === metadata.generation;
  if (isTold && status?.by !== undefined && status.by !== 'Unverified') return status.by;
  if (spec.by === undefined || since === undefined || createdAt(object) < since) return 'Unverified';
  return spec.evidence === undefined ? 'Verified' : 'Attested';
}

/** Wakes all objects of a kind when the policy comes or goes. */
export function signingWatches(signing: SigningCaches | undefined, signed: Cache<KubeObject>): readonly Watch[] {
  if (signing === undefined) return [];
  const everyKey = (): readonly ObjectKey[] => signed.list().map(keyOf);
  return [watch(signing.policies, everyKey), watch(signing.bindings, everyKey)];
}

function createdAt({ metadata }: DeepReadonly<KubeObject>): number {
  return Date.parse(metadata.creationTimestamp ?? '');
}
