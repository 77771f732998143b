import { APPLY, READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

/** Where the chart enables the Gateway API. */
export const gatewayApiRules: readonly PolicyRule[] = [
  {
    apiGroups: ['gateway.networking.k8s.io'],
    resources: ['httproutes', 'grpcroutes'],
    verbs: [...READ, ...APPLY, 'delete'],
  },
];

/** Where the chart has pods of services with `access` take requests from gateways alone. */
export const accessAtPodsRules: readonly PolicyRule[] = [{ apiGroups: [''], resources: ['configmaps'], verbs: APPLY }];

export const inferenceServiceRules: readonly PolicyRule[] = [
  {
    apiGroups: ['slipway.dev'],
    resources: [
      'inferenceservices',
      'servingruntimes',
      'clusterservingruntimes',
      'modelaliases',
      'models',
      'modelversions',
      'stores',
    ],
    verbs: READ,
  },
  { apiGroups: ['slipway.dev'], resources: ['inferenceservices/status'], verbs: ['patch'] },
  { apiGroups: ['slipway.dev'], resources: ['inferenceservices/scale'], verbs: ['patch'] },
  // To own an object with blockOwnerDeletion where OwnerReferencesPermissionEnforcement is on.
  { apiGroups: ['slipway.dev'], resources: ['inferenceservices/finalizers'], verbs: ['update'] },
  { apiGroups: [''], resources: ['services'], verbs: [...READ, ...APPLY, 'delete'] },
  { apiGroups: ['apps'], resources: ['deployments', 'controllerrevisions'], verbs: [...READ, ...APPLY, 'delete'] },
  { apiGroups: ['policy'], resources: ['poddisruptionbudgets'], verbs: [...READ, ...APPLY, 'delete'] },
  { apiGroups: [''], resources: ['pods', 'events', 'persistentvolumeclaims'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['trafficroutes'], verbs: [...READ, ...APPLY] },
  { apiGroups: ['slipway.dev'], resources: ['modelrollouts'], verbs: [...READ, 'create', 'patch', 'delete'] },
  { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: [...READ, ...APPLY, 'delete'] },
];
