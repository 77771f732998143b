import { READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const modelRolloutRules: readonly PolicyRule[] = [
  { apiGroups: ['slipway.dev'], resources: ['modelrollouts'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['modelrollouts/status'], verbs: ['patch'] },
];
