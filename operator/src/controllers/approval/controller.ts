import { keyOf, watch } from '@slipway/kube';
import { indexKey } from '../../caches.ts';
import type { AddController } from '../../controller-registration.ts';
import { addKindController } from '../../kind-controller.ts';
import { kinds } from '../../kinds.ts';
import { checkedSince, signatureOf, signingWatches } from '../../signature.ts';
import { approvalStatus } from './status.ts';

/** Says whether an Approval speaks of a version that is there, and how far its signature can be believed. */
export const addApprovalController: AddController = (manager, deps) => {
  const { approvals, modelVersions, signing } = deps.caches;
  addKindController(manager, deps, {
    name: 'approval.lifecycle',
    kind: kinds.Approval,
    cache: approvals,
    watches: [
      watch(modelVersions, ({ metadata: { namespace, name } }) =>
        approvals.byIndex('modelVersion', indexKey(namespace, name)).map(keyOf),
      ),
      ...signingWatches(signing, approvals),
    ],
    observe: (approval) => ({
      approval,
      version: modelVersions.get({
        namespace: approval.metadata.namespace ?? '',
        name: approval.spec.modelVersion.name,
      }),
      signature: signatureOf(approval, checkedSince(signing)),
    }),
    status: (observed, { now }) => approvalStatus(observed, now),
  });
};
