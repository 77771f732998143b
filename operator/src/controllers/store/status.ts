import type { Condition, StoreStatus } from '@slipway/crds';
import type { DeepReadonly, PersistentVolumeClaim } from '@slipway/kube';
import { baseStatus, inProgress, ready } from '../../conditions.ts';
import type { Reason } from '../../conditions.ts';
import { parseStoreUri } from '../../jobs/store-mount.ts';
import { isBound, storeProblem } from './checks.ts';
import type { ObservedStore } from './checks.ts';

export function storeStatus(observed: ObservedStore, now: Date): StoreStatus & { conditions: Condition[] } {
  const { store, claim } = observed;
  const problem = storeProblem(observed);
  const conditions = problem === undefined ? ready(whyReady(claim)) : inProgress(problem);
  return { ...baseStatus(store, conditions, now), ...claimFacts(observed) };
}

function whyReady(claim: DeepReadonly<PersistentVolumeClaim> | undefined): Reason {
  const name = claim?.metadata.name ?? '';
  if (claim !== undefined && isBound(claim)) {
    return { reason: 'ClaimBound', message: `PersistentVolumeClaim "${name}" is bound to a volume.` };
  }
  const storageClass = claim?.spec?.storageClassName ?? '';
  return {
    reason: 'ClaimWaitsForFirstUse',
    message: `PersistentVolumeClaim "${name}" gets its volume from StorageClass "${storageClass}" when the first pod uses it.`,
  };
}

function claimFacts({ store, claim }: ObservedStore): Pick<StoreStatus, 'claim'> {
  const name = parseStoreUri(store.spec.uri)?.claim;
  if (name === undefined) return {};
  const phase = claim?.status?.phase;
  const capacity = claim?.status?.capacity?.['storage'];
  return {
    claim: { name, ...(phase === undefined ? {} : { phase }), ...(capacity === undefined ? {} : { capacity }) },
  };
}
