import { READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const featureSetRules: readonly PolicyRule[] = [
  { apiGroups: ['slipway.dev'], resources: ['featuresets'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['featuresets/status'], verbs: ['patch'] },
  // A Job names its owner with blockOwnerDeletion, which some clusters allow only to who may update finalizers.
  { apiGroups: ['slipway.dev'], resources: ['featuresets/finalizers'], verbs: ['update'] },
  { apiGroups: ['slipway.dev'], resources: ['stores'], verbs: READ },
  { apiGroups: [''], resources: ['persistentvolumeclaims', 'pods', 'events'], verbs: READ },
  // patch: the result annotation
  { apiGroups: ['batch'], resources: ['jobs'], verbs: [...READ, 'create', 'patch', 'delete'] },
];
