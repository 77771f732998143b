import { READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const storeRules: readonly PolicyRule[] = [
  { apiGroups: ['slipway.dev'], resources: ['stores'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['stores/status'], verbs: ['patch'] },
  { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: READ },
];
