import { READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const modelAliasRules: readonly PolicyRule[] = [
  { apiGroups: ['slipway.dev'], resources: ['modelaliases', 'models', 'modelversions'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['modelaliases/status'], verbs: ['patch'] },
];
