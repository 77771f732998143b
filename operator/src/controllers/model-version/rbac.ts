import { APPLY, READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const modelVersionRules: readonly PolicyRule[] = [
  // patch: the finalizer slipway.dev/in-use
  { apiGroups: ['slipway.dev'], resources: ['modelversions'], verbs: [...READ, 'patch'] },
  {
    apiGroups: ['slipway.dev'],
    resources: ['modelversions/status', 'modelversions/finalizers'],
    verbs: ['patch', 'update'],
  },
  {
    apiGroups: ['slipway.dev'],
    resources: ['approvals', 'datasets', 'datasetversions', 'inferenceservices', 'modelaliases', 'models', 'stores'],
    verbs: READ,
  },
  { apiGroups: [''], resources: ['persistentvolumeclaims', 'pods', 'events'], verbs: READ },
  { apiGroups: ['batch'], resources: ['jobs'], verbs: [...READ, ...APPLY, 'delete'] },
  { apiGroups: ['apps'], resources: ['deployments'], verbs: READ },
  // What an evaluation found.
  { apiGroups: ['apps'], resources: ['controllerrevisions'], verbs: [...READ, ...APPLY] },
];
