import { READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const modelRules: readonly PolicyRule[] = [
  { apiGroups: ['slipway.dev'], resources: ['models', 'modelversions', 'stores'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['models/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: READ },
];
