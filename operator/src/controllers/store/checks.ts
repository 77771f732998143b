import type { Store } from '@slipway/crds';
import type { DeepReadonly, PersistentVolumeClaim } from '@slipway/kube';
import type { Reason } from '../../conditions.ts';
import { parseStoreUri } from '../../jobs/store-mount.ts';

export interface ObservedStore {
  readonly store: DeepReadonly<Store>;
  readonly claim: DeepReadonly<PersistentVolumeClaim> | undefined;
}

export type StoreCheck = (observed: ObservedStore) => Reason | undefined;

/** Order matters: the first failing check is the reason that people see. */
const checks: readonly StoreCheck[] = [
  claimExists, // nothing can be mounted without it
  claimStays, // a claim that is being deleted takes no new pods
  claimHasVolume, // its volume is gone for good
  claimCanBind, // nobody will ever make a volume for it
];

/** Why pods cannot use the Store; undefined when they can. Used by whoever needs a Store, because a status may be wiped. */
export function storeProblem(observed: ObservedStore): Reason | undefined {
  for (const check of checks) {
    const problem = check(observed);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function claimExists({ store, claim }: ObservedStore): Reason | undefined {
  if (claim !== undefined) return undefined;
  const name = parseStoreUri(store.spec.uri)?.claim ?? store.spec.uri;
  return {
    reason: 'ClaimNotFound',
    message: `There is no PersistentVolumeClaim "${name}" in namespace "${store.metadata.namespace}". Create it with kubectl apply, or name another one in spec.uri (pvc://CLAIM/PATH).`,
  };
}

function claimStays({ claim }: ObservedStore): Reason | undefined {
  if (claim?.metadata.deletionTimestamp === undefined) return undefined;
  return {
    reason: 'ClaimTerminating',
    message: `PersistentVolumeClaim "${claim.metadata.name}" is being deleted. Create it again, or name another one in spec.uri.`,
  };
}

function claimHasVolume({ claim }: ObservedStore): Reason | undefined {
  if (claim?.status?.phase !== 'Lost') return undefined;
  return {
    reason: 'ClaimLost',
    message: `The volume of PersistentVolumeClaim "${claim.metadata.name}" is gone (phase Lost). Restore the volume, or name another claim in spec.uri.`,
  };
}

function claimCanBind({ claim }: ObservedStore): Reason | undefined {
  if (claim === undefined || isBound(claim) || (claim.spec?.storageClassName ?? '') !== '') return undefined;
  return {
    reason: 'ClaimPending',
    message: `PersistentVolumeClaim "${claim.metadata.name}" has no volume yet and names no StorageClass that would make one. Set spec.storageClassName of the claim, mark a StorageClass as default, or create a PersistentVolume that fits.`,
  };
}

export function isBound(claim: DeepReadonly<PersistentVolumeClaim>): boolean {
  return claim.status?.phase === 'Bound';
}
