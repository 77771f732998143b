import { READ } from '../../controller-registration.ts';
import type { PolicyRule } from '../../controller-registration.ts';

export const datasetVersionRules: readonly PolicyRule[] = [
  { apiGroups: ['slipway.dev'], resources: ['datasetversions'], verbs: READ },
  { apiGroups: ['slipway.dev'], resources: ['datasetversions/status'], verbs: ['patch'] },
];
