import { READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const modelRules: readonly PolicyRule[] = [
  { apiGroups: ['slipway.dev'], resources: ['models', 'stores'], verbs: READ },
  // delete: what spec.retention does not keep
  { apiGroups: ['slipway.dev'], resources: ['modelversions'], verbs: [...READ, 'delete'] },
  { apiGroups: ['slipway.dev'], resources: ['inferenceservices', 'modelaliases'], verbs: READ },
  { apiGroups: ['apps'], resources: ['controllerrevisions', 'deployments'], verbs: READ },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['models/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: READ },
];
