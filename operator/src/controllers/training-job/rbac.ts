import { APPLY, READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const trainingJobRules: readonly PolicyRule[] = [
  { apiGroups: ['slipway.dev'], resources: ['trainingjobs'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['trainingjobs/status'], verbs: ['patch'] },
  { apiGroups: ['slipway.dev'], resources: ['trainingjobs/finalizers'], verbs: ['update'] },
  // patch: the annotation slipway.dev/last-number
  { apiGroups: ['slipway.dev'], resources: ['models'], verbs: [...READ, 'patch'] },
  { apiGroups: ['slipway.dev'], resources: ['modelversions'], verbs: [...READ, 'create'] },
  { apiGroups: ['slipway.dev'], resources: ['datasets', 'datasetversions', 'stores'], verbs: READ },
  { apiGroups: [''], resources: ['configmaps', 'persistentvolumeclaims', 'pods', 'events'], verbs: READ },
  { apiGroups: [''], resources: ['services'], verbs: [...READ, ...APPLY] },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: [...READ, 'create', 'patch', 'delete'] },
];
