import { READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const datasetRules: readonly PolicyRule[] = [
  // patch: the annotation slipway.dev/last-number
  { apiGroups: ['slipway.dev'], resources: ['datasets'], verbs: [...READ, 'patch'] },
  { apiGroups: ['slipway.dev'], resources: ['datasets/status'], verbs: ['patch'] },
  { apiGroups: ['slipway.dev'], resources: ['datasets/finalizers'], verbs: ['update'] },
  { apiGroups: ['slipway.dev'], resources: ['datasetversions'], verbs: [...READ, 'create'] },
  { apiGroups: ['slipway.dev'], resources: ['featuresets', 'stores'], verbs: READ },
  { apiGroups: [''], resources: ['persistentvolumeclaims', 'pods', 'events'], verbs: READ },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: [...READ, 'create', 'patch', 'delete'] },
];
