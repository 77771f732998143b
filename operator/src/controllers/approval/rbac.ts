import { READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const approvalRules: readonly PolicyRule[] = [
  { apiGroups: ['slipway.dev'], resources: ['approvals', 'modelversions'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['approvals/status'], verbs: ['patch'] },
];
